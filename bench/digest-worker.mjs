/* A worker whose digests go by the parent's clock: `{ now }` makes everything that is due by then, and is answered when nothing is. */
import { NestFactory } from '@nestjs/core';
import { AppModule } from '../dist/app.module.js';
import { ClockService } from '../dist/digests/clock.service.js';
import { DigestPlanStore } from '../dist/digests/planning/digest-plan.store.js';
import { DigestPlannerWorker } from '../dist/digests/planning/digest-planner.worker.js';
import { DigestWorker } from '../dist/digests/runs/digest.worker.js';
import { loadConfig } from '../dist/platform/config/config.js';

const app = await NestFactory.createApplicationContext(AppModule.with(loadConfig()), { logger: ['error'] });
const [clock, plans] = [app.get(ClockService), app.get(DigestPlanStore)];
const [planner, worker] = [app.get(DigestPlannerWorker), app.get(DigestWorker)];

async function makeAll() {
  const cpu = process.cpuUsage();
  const start = performance.now();
  await planner.runOnce();
  while ((await plans.listUnplanned()).length > 0) await planner.runOnce();
  while ((await plans.listDue(clock.now())).length > 0) await worker.runOnce();
  const { user, system } = process.cpuUsage(cpu);
  return { seconds: (performance.now() - start) / 1_000, cpu: user + system };
}

process.on('message', async ({ now }) => {
  clock.now = () => new Date(now);
  process.send(await makeAll());
});
process.on('disconnect', () => process.exit(0));
process.send('ready');
