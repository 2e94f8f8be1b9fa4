#!/usr/bin/env node
// This file is in the repository, so that npm links it before anything is built. In a clone that was not built yet it builds.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const built = new URL('../dist/main.js', import.meta.url);
const tools = fileURLToPath(new URL('../../../tools/run.mjs', import.meta.url));

if (!existsSync(built) && existsSync(tools)) {
  // What it says is not the command's output.
  const { status } = spawnSync(process.execPath, [tools, 'prepare'], { stdio: ['ignore', 2, 2] });
  if (status !== 0) process.exit(status ?? 1);
}
await import(built.href);
