#!/bin/bash
# The health check of the image: exits with 0 if `GET /health/ready` on the main listener answers 200. Uses nothing but bash.

host=${HOST:-127.0.0.1}
host=${host#[}
host=${host%]}
# A listener on all addresses listens on loopback, too.
case $host in 0.0.0.0 | ::) host=127.0.0.1 ;; esac

exec 3<> "/dev/tcp/$host/${PORT:-4000}" || exit 1
printf 'GET /health/ready HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n' >&3
# Ends before Docker kills the check after its own timeout of 3 s.
read -r -t 2 _ status _ <&3
[ "$status" = 200 ]
