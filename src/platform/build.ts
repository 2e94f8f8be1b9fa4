import { existsSync, readFileSync } from 'node:fs';

const project = new URL('../../', import.meta.url);
const commitFile = new URL('dist/commit', project);

/** The version of this build: that of package.json. */
export const { version } = JSON.parse(readFileSync(new URL('package.json', project), 'utf8')) as {
  version: string;
};

/** The commit that this build was made from, as the build wrote it (tools/bundle.mjs); empty where it did not know. */
export const commit = existsSync(commitFile) ? readFileSync(commitFile, 'utf8').trim() : '';
