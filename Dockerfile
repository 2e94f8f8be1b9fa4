# One image for every role: ROLES says which a container plays. docker-compose.yml shows how they stand together.
FROM node:24-slim AS build
WORKDIR /app
COPY package.json package-lock.json ./
COPY clients/cli/package.json clients/cli/
COPY clients/edge/package.json clients/edge/
COPY clients/web/package.json clients/web/
# Without install scripts: nothing here needs them.
RUN npm ci --ignore-scripts --no-audit --no-fund
COPY nest-cli.json prisma.config.ts tsconfig.json tsconfig.build.json .swcrc ./
COPY prisma prisma
COPY src src
COPY clients/edge clients/edge
COPY tools tools
COPY clients/console clients/console
# Which commit it is, for usher_build_info: docker build --build-arg COMMIT="$(git rev-parse HEAD)" .
ARG COMMIT=
# Without the demo's bundle: it signs webhooks for anybody.
# Prisma insists that its schema engine exists, though `generate` never starts it. Any file will do.
RUN PRISMA_SCHEMA_ENGINE_BINARY="$(command -v node)" CHECKPOINT_DISABLE=1 npx prisma generate \
  && npm run build \
  && rm dist/usher-demo.* \
  && npx vite build clients/console
# The documentation: its pages, and those that they lead to.
COPY README.md CONTRIBUTING.md CHANGELOG.md ./
COPY bench/README.md bench/
COPY clients/conformance/README.md clients/conformance/
COPY clients/cli/README.md clients/cli/
COPY clients/edge/README.md clients/edge/
COPY clients/kotlin/README.md clients/kotlin/
COPY clients/python/README.md clients/python/
COPY clients/swift/README.md clients/swift/
COPY clients/web/README.md clients/web/
COPY docs docs
RUN npx vitepress build docs

FROM node:24-slim AS packages
WORKDIR /app
COPY package.json package-lock.json ./
COPY clients/cli/package.json clients/cli/
COPY clients/edge/package.json clients/edge/
COPY clients/web/package.json clients/web/
RUN npm ci --omit=dev --ignore-scripts --no-audit --no-fund

FROM node:24-slim
WORKDIR /app
ENV NODE_ENV=production
COPY --from=packages /app/node_modules node_modules
COPY --from=build /app/dist dist
COPY --from=build /app/clients/console/dist clients/console/dist
COPY --from=build /app/docs/.vitepress/dist docs/.vitepress/dist
# `node tools/migrate.mjs` brings the database of DATABASE_URL to the newest schema.
COPY prisma/migrations prisma/migrations
COPY tools tools
COPY package.json LICENSE ./
USER node
EXPOSE 3000
# Ready: booted, not stopping, and PostgreSQL answers. A boot may wait half a minute for PostgreSQL.
HEALTHCHECK --interval=5s --timeout=3s --start-period=40s --retries=3 \
  CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.PORT || 3000}/health/ready`).then((answer) => process.exit(answer.ok ? 0 : 1), () => process.exit(1))"]
CMD ["node", "--max-semi-space-size=32", "dist/usher.js"]
