import { describe, expect, test } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parse } from 'yaml';

const project = fileURLToPath(new URL('../../', import.meta.url));
const read = (path: string) => readFileSync(join(project, path), 'utf8');

interface Workflow {
  readonly on: { readonly push: { readonly tags: string[] } };
  readonly jobs: Record<
    string,
    { readonly permissions?: Record<string, string>; readonly steps: readonly { readonly run?: string }[] }
  >;
}
/** Returns the tags that start a workflow, the permissions of its last job, and its commands in order. */
const readWorkflow = (name: string) => {
  const { on, jobs } = parse(read(`.github/workflows/${name}.yml`)) as Workflow;
  const all = Object.values(jobs);
  return {
    tags: on.push.tags,
    permissions: all.at(-1)?.permissions,
    commands: all.flatMap(({ steps }) => steps.map(({ run = '' }) => run)),
  };
};

describe('the workflows that publish the clients', () => {
  test('npm: it asks for provenance, and has the permission that this needs', () => {
    const { tags, permissions, commands } = readWorkflow('publish');
    expect(tags).toEqual(['client-v*', 'edge-v*', 'cli-v*']);
    expect(permissions?.['id-token']).toBe('write');
    expect(commands.at(-1)).toBe('npm publish --workspace "$PACKAGE" --access public --provenance');
  });

  test('Kotlin: the profile that it deploys exists, and the POM has what Maven Central asks for', () => {
    const { tags, commands } = readWorkflow('publish-kotlin');
    expect(tags).toEqual(['kotlin-v*']);
    expect(commands.at(-1)).toBe('mvn -B -Prelease -DskipTests deploy');
    const pom = read('clients/kotlin/pom.xml');
    for (const element of ['url', 'licenses', 'developers', 'scm']) expect(pom).toContain(`\n  <${element}`);
    const release = /<id>release<\/id>.*?<\/profile>/s.exec(pom)?.[0];
    for (const plugin of ['maven-source', 'dokka-maven', 'maven-gpg', 'central-publishing-maven'])
      expect(release).toContain(`<artifactId>${plugin}-plugin</artifactId>`);
  });

  test('Swift: it splits the folder off, and pushes it with its version', () => {
    const { tags, commands } = readWorkflow('publish-swift');
    expect(tags).toEqual(['swift-v*']);
    expect(commands).toContain('clients/swift/test.sh');
    expect(commands.join()).toContain('git subtree split --prefix clients/swift');
    expect(commands.at(-1)).toContain('package:refs/heads/main "package:refs/tags/$VERSION"');
    // The line that it compares the tag with.
    expect(read('clients/swift/CHANGELOG.md')).toMatch(/^## \d+\.\d+\.\d+$/m);
  });
});
