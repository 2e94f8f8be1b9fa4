import 'reflect-metadata';
import { bootFromEnvironment } from './boot.js';

await bootFromEnvironment();
