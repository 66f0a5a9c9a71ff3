# The service:                                  docker build -t auth-bff .
# The embedded Auth Service, for trying it out: docker build -t auth-bff-auth-service --target auth-service .

FROM node:24-slim AS build
WORKDIR /app
COPY . .
RUN --mount=type=cache,target=/root/.npm npm ci
RUN npm run bundle

# Answers requests for localhost and for the name that compose.yaml gives it. Add --allowed-host for another name.
FROM node:24-slim AS auth-service
WORKDIR /app
COPY --from=build /app/bundle/auth-service ./
USER node
EXPOSE 8000
HEALTHCHECK --interval=5s --timeout=3s --start-period=20s CMD ["node", "-e", "fetch('http://127.0.0.1:8000/').then(() => process.exit(0), () => process.exit(1))"]
CMD ["node", "dist/start-auth-service.js", "--host", "0.0.0.0", "--allowed-host", "auth-service"]

# The last stage is built if no target is given.
FROM node:24-slim AS production
ENV NODE_ENV=production HOST=0.0.0.0 OPS_HOST=0.0.0.0
WORKDIR /app
COPY --from=build /app/bundle/bff ./
USER node
EXPOSE 4000 9464
HEALTHCHECK --interval=5s --timeout=3s --start-period=20s CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.PORT || 4000}/health/ready`).then(({ ok }) => process.exit(ok ? 0 : 1), () => process.exit(1))"]
CMD ["node", "dist/main.js"]
