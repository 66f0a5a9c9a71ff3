# The service:                                  docker build -t auth-bff .
# The embedded Auth Service, for trying it out: docker build -t auth-bff-auth-service --target auth-service .

# With a digest (node:24-slim@sha256:…), a build uses the same base image every time. The workflow passes the digest that it has
# resolved and tested.
ARG NODE_IMAGE=node:24-slim

FROM ${NODE_IMAGE} AS build
WORKDIR /app
COPY . .
RUN --mount=type=cache,target=/root/.npm npm ci
RUN npm run bundle

# Node without package managers: the programs do not need them, and their known vulnerabilities would count as ours.
FROM ${NODE_IMAGE} AS runtime
RUN rm -rf /usr/local/lib/node_modules /opt/yarn-* /usr/local/bin/npm /usr/local/bin/npx /usr/local/bin/corepack /usr/local/bin/yarn /usr/local/bin/yarnpkg
WORKDIR /app
# The user node, as a number: Kubernetes cannot tell whether a user with a name is root.
USER 1000:1000

# Answers requests for localhost and for the name that compose.yaml gives it. Add --allowed-host for another name.
FROM runtime AS auth-service
COPY --from=build /app/bundle/auth-service ./
EXPOSE 8000
HEALTHCHECK --interval=30s --timeout=3s --start-period=20s --start-interval=1s CMD ["/bin/bash", "-c", "exec 3<>/dev/tcp/127.0.0.1/8000"]
CMD ["node", "dist/start-auth-service.js", "--host", "0.0.0.0", "--allowed-host", "auth-service"]

# The last stage is built if no target is given.
FROM runtime AS production
ENV NODE_ENV=production HOST=0.0.0.0 OPS_HOST=0.0.0.0
COPY --from=build /app/bundle/bff ./
EXPOSE 4000 9464
# Bash opens the connection itself. A check in Node would start a second Node every time.
HEALTHCHECK --interval=30s --timeout=3s --start-period=20s --start-interval=1s CMD ["/bin/bash", "health-check.sh"]
CMD ["node", "dist/main.js"]
ARG NODE_IMAGE
ARG SOURCE=unknown
ARG VERSION=unknown
ARG REVISION=unknown
LABEL org.opencontainers.image.title="auth-bff" \
      org.opencontainers.image.description="A tRPC backend-for-frontend in front of the organisation's Auth Service" \
      org.opencontainers.image.licenses="LicenseRef-Proprietary" \
      org.opencontainers.image.source="${SOURCE}" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.base.name="${NODE_IMAGE}"
