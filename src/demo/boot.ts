import { bootFromEnvironment as bootUsher } from '../boot.js';
import { DemoModule } from './demo.module.js';
import { startFarEnds } from './far-ends/far-ends.js';

/** What `npm start` runs: the server with the demo page, in development; the server alone with any other NODE_ENV. */
export const bootFromEnvironment = (): ReturnType<typeof bootUsher> =>
  bootUsher(async (config) => {
    const farEnds = await startFarEnds(config);
    return { config: { ...config, ...farEnds.settings }, module: DemoModule.with(farEnds) };
  });
