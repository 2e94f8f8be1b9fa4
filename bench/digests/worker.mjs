/* A worker whose digests go by the parent's clock: `{ now }` makes everything that is due by then, and is answered with what it took. */
import { NestFactory } from '@nestjs/core';
import { AppModule } from '../../dist/app.module.js';
import { ClockService } from '../../dist/digests/clock.service.js';
import { DigestPlanStore } from '../../dist/digests/planning/digest-plan.store.js';
import { PlanningService } from '../../dist/digests/planning/planning.service.js';
import { DigestRunsService } from '../../dist/digests/runs/digest-runs.service.js';
import { DigestWorker } from '../../dist/digests/runs/digest.worker.js';
import { loadConfig } from '../../dist/platform/config/config.js';

const app = await NestFactory.createApplicationContext(AppModule.with(loadConfig()), { logger: ['error'] });
const [clock, plans] = [app.get(ClockService), app.get(DigestPlanStore)];
const [planning, worker] = [app.get(PlanningService), app.get(DigestWorker)];

/** How long each transaction took since it was last asked, in ms. */
let slices = [];
const runs = app.get(DigestRunsService);
const runDue = runs.runDue.bind(runs);
runs.runDue = async (...args) => {
  const start = performance.now();
  const result = await runDue(...args);
  if (result.claimed > 0) slices.push(performance.now() - start);
  return result;
};

async function makeAll() {
  slices = [];
  const cpu = process.cpuUsage();
  const start = performance.now();
  for (const { name } of await planning.listChanged()) while (await planning.walk(name, 500));
  for (const digest of await plans.listUnplanned()) while (await planning.plan(digest, 500));
  while ((await plans.listDue(clock.now())).length > 0) await worker.runOnce();
  const { user, system } = process.cpuUsage(cpu);
  return { seconds: (performance.now() - start) / 1_000, cpu: user + system, slices };
}

process.on('message', ({ now }) => {
  clock.now = () => new Date(now);
  void makeAll().then((made) => process.send(made));
});
process.on('disconnect', () => process.exit(0));
process.send('ready');
