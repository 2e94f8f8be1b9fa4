import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { request as httpRequest } from 'node:http';
import { brotliCompressSync, gzipSync } from 'node:zlib';
import { ADMIN_KEY, startUsher, type TestUsher } from '../../support/drivers/usher.js';
import { expectMailboxUnchanged, expectProblem } from '../../support/expectations.js';
import { nestedJson } from '../../support/invalid-input.js';
import { newNote as note } from '../../support/note.js';

let usher: TestUsher;
beforeAll(async () => {
  usher = await startUsher({ USER_CALLS_PER_SECOND: '1000' });
});
afterAll(() => usher.stop());

const withoutEffect = (request: () => Promise<void>) => expectMailboxUnchanged(usher, 'ada', request);

describe('a request body that cannot be read is rejected as a whole', () => {
  test.each(['{', '{"events":', 'events', "{'events':[]}", '{"events":[1,]}'])(
    'malformed JSON: %s',
    async (body) => {
      await withoutEffect(async () =>
        expectProblem(await usher.backOffice.call('POST', '/v1/events', body), 400, 'malformed_json'),
      );
    },
  );

  test.each(['"abc"', 'null', '12', 'true', '[]'])('JSON that is no object: %s', async (body) => {
    await withoutEffect(async () => {
      expectProblem(await usher.backOffice.call('POST', '/v1/events', body), 400, 'invalid_request');
      expectProblem(await usher.callAs('ada', 'PUT', '/v1/me/devices/tv', body), 400, 'invalid_request');
    });
  });

  test('the malformed text is not repeated in the response', async () => {
    const reply = await usher.backOffice.call(
      'POST',
      '/v1/events',
      `{"events":[{"push": a-push-address-that`,
    );
    expect(JSON.stringify(reply.body)).not.toContain('a-push');
  });

  test('10,000 levels deep', async () => {
    await withoutEffect(async () => {
      const events = `{"events":[{"userId":"ada","type":"note.added","tier":"important","data":${nestedJson(10_000)}}]}`;
      expectProblem(await usher.backOffice.call('POST', '/v1/events', events), 400, 'too_deep');
      expectProblem(
        await usher.backOffice.call('PUT', '/v1/plans/deep', nestedJson(10_000)),
        400,
        'too_deep',
      );
      expectProblem(
        await usher.callAs('ada', 'PUT', '/v1/me/devices/deep', `{"push":${nestedJson(10_000)}}`),
        400,
        'too_deep',
      );
    });
  });

  test('larger than the limit, as sent or after decompression', async () => {
    await withoutEffect(async () => {
      const body = JSON.stringify({ events: [note({ data: 'x'.repeat(1_100_000) })] });
      expectProblem(await usher.backOffice.call('POST', '/v1/events', body), 413, 'payload_too_large');
      const bomb = gzipSync(Buffer.alloc(50_000_000, ' '));
      expectProblem(
        await usher.backOffice.call('POST', '/v1/events', bomb, { 'content-encoding': 'gzip' }),
        413,
        'payload_too_large',
      );
    });
  });

  test('of another content type, or with an unknown or broken encoding', async () => {
    await withoutEffect(async () => {
      const body = JSON.stringify({ events: [note()] });
      const xml = await usher.backOffice.call('POST', '/v1/events', body, {
        'content-type': 'application/xml',
      });
      expectProblem(xml, 415, 'unsupported_media_type');
      expect(xml.body.detail).toMatch(/application\/xml.* needs application\/json/);
      const form = await usher.callAs('ada', 'PUT', '/v1/me/preferences', body, {
        'content-type': 'application/x-www-form-urlencoded',
      });
      expectProblem(form, 415, 'unsupported_media_type');
      expect(form.body.detail).toContain('application/x-www-form-urlencoded');
      expectProblem(
        await usher.backOffice.call('POST', '/v1/events', body, { 'content-encoding': 'snappy' }),
        415,
        'unsupported_media_type',
      );
      expectProblem(
        await usher.backOffice.call('POST', '/v1/events', body, {
          'content-type': 'application/json; charset=klingon',
        }),
        415,
        'unsupported_media_type',
      );
    });
  });

  test.each(['application/problem+json', 'application/vnd.x+json', 'text/json'])(
    'of a content type that is not application/json: %s',
    async (type) => {
      await withoutEffect(async () => {
        const reply = await usher.backOffice.call(
          'POST',
          '/v1/events',
          { events: [note()] },
          { 'content-type': type },
        );
        expectProblem(reply, 415, 'unsupported_media_type');
        expect(reply.body.detail).toContain(`${type}; this call needs application/json`);
      });
    },
  );

  test.each(['utf-16le', 'utf-16be', '"utf-16"', 'utf-7', 'utf-32', 'utf\\-16le'])(
    'in another charset than UTF-8, in which its depth would not be seen: %s',
    async (charset) => {
      const deep = `{"events":[{"userId":"ada","type":"note.added","tier":"important","data":${nestedJson(3_000)}}]}`;
      await withoutEffect(async () => {
        const reply = await usher.backOffice.call('POST', '/v1/events', Buffer.from(deep, 'utf16le'), {
          'content-type': `application/json; charset=${charset}`,
        });
        expectProblem(reply, 415, 'unsupported_media_type');
      });
    },
  );

  test('and not one that says it is UTF-8', async () => {
    for (const charset of ['utf-8', 'UTF-8', '"utf-8"']) {
      const headers = { 'content-type': `application/json; charset=${charset}` };
      expect((await usher.backOffice.publish([note()], headers)).status).toBe(202);
    }
  });

  test('whose DELETE would do more than its sender meant, as curl sends it', async () => {
    const reply = await usher.backOffice.call('DELETE', '/v1/users/ada/streams', '{"streamId":"one"}', {
      'content-type': 'application/x-www-form-urlencoded',
      'usher-reason': 'a test',
    });
    expectProblem(reply, 415, 'unsupported_media_type');
  });

  test.each(['gzip', 'deflate', 'br'])(
    'that is not what its encoding %s says, or is cut off',
    async (encoding) => {
      const broken = [
        'xxxx',
        Buffer.alloc(100, 0xff),
        brotliCompressSync('x'.repeat(1_000_000)).subarray(0, 5),
      ];
      await withoutEffect(async () => {
        for (const body of broken) {
          const headers = { 'content-encoding': encoding };
          const published = await usher.backOffice.call('POST', '/v1/events', body, headers);
          expectProblem(published, 400, 'invalid_request');
          const device = await usher.callAs('ada', 'PUT', '/v1/me/devices/tv', body, headers);
          expectProblem(device, 400, 'invalid_request');
        }
      });
    },
  );

  test('cut off in the middle', async () => {
    await withoutEffect(async () => {
      const body = JSON.stringify({ events: [note({ type: 'note.half' })] });
      await sendHalf('/v1/events', body);
      expect((await usher.backOffice.publish([note({ userId: 'somebody-else' })])).status).toBe(202);
    });
    const { body } = await usher.callAs('ada', 'GET', '/v1/me/entries');
    expect(JSON.stringify(body)).not.toContain('note.half');
  });
});

/** Sends half of the body that the headers announce, then closes the connection. */
function sendHalf(path: string, body: string): Promise<void> {
  return new Promise((resolve) => {
    const request = httpRequest(`${usher.url}${path}`, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${ADMIN_KEY}`,
        'content-type': 'application/json',
        'content-length': Buffer.byteLength(body),
      },
    });
    request.on('error', () => resolve());
    request.write(body.slice(0, body.length / 2), () => request.destroy());
    request.on('close', () => resolve());
  });
}
