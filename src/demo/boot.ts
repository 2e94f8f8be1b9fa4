import { bootFromEnvironment as bootUsher } from '../boot.js';
import { DemoModule } from './demo.module.js';

/** What `npm start` runs: the server with the demo page, in development; the server alone with any other NODE_ENV. */
export const bootFromEnvironment = (): Promise<void> => bootUsher(DemoModule);
