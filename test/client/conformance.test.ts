import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { Runner } from './conformance/runner.js';
import { readScenarios } from './conformance/scenario.js';

const START = Date.parse('2026-01-01T00:00:00.000Z');
const scenarios = readScenarios();

describe('the web client does what every client does', () => {
  const network = new EventTarget();
  beforeEach(() => {
    jest.useFakeTimers({ now: START, doNotFake: ['nextTick', 'queueMicrotask', 'setImmediate'] });
    const { addEventListener, removeEventListener } = EventTarget.prototype;
    Object.assign(globalThis, {
      addEventListener: addEventListener.bind(network),
      removeEventListener: removeEventListener.bind(network),
    });
  });
  afterEach(() => {
    Reflect.deleteProperty(globalThis, 'addEventListener');
    Reflect.deleteProperty(globalThis, 'removeEventListener');
    jest.useRealTimers();
  });

  test.each(scenarios)('$id: $promise', async (scenario) => {
    const runner = new Runner(scenario, network);
    try {
      await runner.run();
    } finally {
      runner.close();
    }
  });

  test('a step, a value, a beginning or an end that the runner does not know fails', async () => {
    const steps = [{ expect: 'dial' }];
    const run = (parts: object) => {
      const runner = new Runner({ id: 'x', promise: 'x', steps, end: {}, ...parts }, network);
      return runner.run().finally(() => runner.close());
    };
    await run({});
    await expect(run({ steps: [...steps, { sing: true }] })).rejects.toThrow('unknown step');
    await expect(run({ steps: [{ expect: 'dial', loudly: true }] })).rejects.toThrow('does not know loudly');
    for (const step of [{ storage: 'slow' }, { handler: 'sings' }])
      await expect(run({ steps: [...steps, step] })).rejects.toThrow('unknown value');
    await expect(run({ end: { mood: 'good' } })).rejects.toThrow('does not know mood');
    expect(
      () => new Runner({ id: 'x', promise: 'x', steps, end: {}, given: { luck: 1 } as never }, network),
    ).toThrow('luck');
    await expect(run({ steps: [] })).rejects.toThrow('dial');
  });

  test('no two scenarios have the same id', () => {
    const ids = scenarios.map(({ id }) => id);
    expect(new Set(ids).size).toBe(ids.length);
  });
});
