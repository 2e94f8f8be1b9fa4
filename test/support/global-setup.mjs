/* Runs before all tests: what their files share. */
import { NodePool } from './nodes/node-pool.mjs';
import { migrateTemplate } from './template.mjs';

let pool;

export default async function setUp() {
  await migrateTemplate();
  pool = new NodePool();
  process.env.USHER_TEST_NODES = await pool.start();
}

export const tearDown = () => pool?.stop();
