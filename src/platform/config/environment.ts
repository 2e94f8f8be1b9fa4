import process from 'node:process';
import { type Config, readConfig } from './config.js';

/** The only place that reads the process's environment. */
export const loadConfig = (): Config => readConfig(process.env);
