import { describe, expect, test } from '@jest/globals';
import { auditJson, changedFields } from './audit-entry.js';

describe('the fields that the audit tells', () => {
  test('are those that differ, however deep, and not those whose keys come in another order', () => {
    const before = { name: 'Old', prices: ['a'], capabilities: { ads: true, maxStreams: 2 } };
    const after = { name: 'New', prices: ['a'], capabilities: { maxStreams: 2, ads: true } };
    expect(changedFields(before, after)).toEqual({ before: { name: 'Old' }, after: { name: 'New' } });
    expect(changedFields({ a: { b: [1] } }, { a: { b: [2] } })).toEqual({
      before: { a: { b: [1] } },
      after: { a: { b: [2] } },
    });
  });

  test('are all of them for a thing that is new or gone, and none where nothing differs', () => {
    expect(changedFields(undefined, { name: 'New' })).toEqual({ after: { name: 'New' } });
    expect(changedFields({ name: 'Old' }, undefined)).toEqual({ before: { name: 'Old' } });
    expect(changedFields({ name: 'Same' }, { name: 'Same' })).toEqual({});
  });

  test('that only one of the two has are told there', () => {
    expect(changedFields({ a: 1 }, { b: 2 })).toEqual({ before: { a: 1 }, after: { b: 2 } });
  });

  test('never make an entry large: of a large field only its size is told', () => {
    const json = auditJson({ name: 'Plan', prices: Array.from({ length: 1_000 }, () => 'x'.repeat(255)) });
    expect(JSON.parse(json ?? '')).toEqual({ name: 'Plan', prices: { omittedBytes: 258_001 } });
    expect(auditJson(undefined)).toBeNull();
  });
});
