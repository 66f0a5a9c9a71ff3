# The service:                                  docker build -t auth-bff .
# The embedded Auth Service, to try it before:  docker build -t auth-bff-auth-service --target auth-service .

FROM node:20-slim AS manifests
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
COPY shared/package.json shared/
COPY server/package.json server/
COPY client/package.json client/

FROM manifests AS build
RUN npm ci
COPY tsconfig.base.json ./
COPY shared shared
COPY server server
RUN npm run build --workspace @auth-bff/shared --workspace @auth-bff/server

# Peer dependencies are TypeScript, which tRPC names for its types, and Express, which whoever uses it brings.
FROM manifests AS dependencies
RUN npm ci --omit=dev --legacy-peer-deps --workspace @auth-bff/server

# It answers requests for localhost, and for the name that compose.yaml gives it. Another name needs another --allowed-host.
FROM build AS auth-service
USER node
EXPOSE 8000
HEALTHCHECK --interval=5s --timeout=3s --start-period=20s CMD ["node", "-e", "fetch('http://127.0.0.1:8000/').then(() => process.exit(0), () => process.exit(1))"]
CMD ["node", "--conditions=source", "--import", "tsx", "server/dev/start-auth-service.ts", "--host", "0.0.0.0", "--allowed-host", "auth-service"]

# The last stage, and so the one that is built where no target is named.
FROM node:20-slim AS production
ENV NODE_ENV=production HOST=0.0.0.0 OPS_HOST=0.0.0.0
WORKDIR /app
COPY --from=dependencies /app ./
COPY --from=build /app/shared/dist shared/dist
COPY --from=build /app/server/dist server/dist
USER node
EXPOSE 4000 9464
HEALTHCHECK --interval=5s --timeout=3s --start-period=20s CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.PORT || 4000}/health/ready`).then(({ ok }) => process.exit(ok ? 0 : 1), () => process.exit(1))"]
CMD ["node", "server/dist/main.js"]
