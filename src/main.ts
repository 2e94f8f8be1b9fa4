import { bootFromEnvironment } from './boot.js';

await bootFromEnvironment();
