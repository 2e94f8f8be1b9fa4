import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { AddressCipherService } from '../../../src/contacts/address-cipher.service.js';
import { ContactCipher } from '../../../src/contacts/contact-cipher.js';
import { readAudit } from '../../support/audit.js';
import { testConfig } from '../../support/config.js';
import { call } from '../../support/drivers/back-office.js';
import { ADMIN_KEY, CONTACT_KEY, startUsher, type TestUsher } from '../../support/drivers/usher.js';
import { expectProblem } from '../../support/expectations.js';

let usher: TestUsher;
beforeAll(async () => {
  usher = await startUsher();
});
afterAll(() => usher.stop());

const ADA = {
  email: 'ada@example.com',
  phone: '+4915112345678',
  timezone: 'Europe/Berlin',
  locale: 'de-DE',
};
const put = (userId: string, body: unknown) =>
  usher.backOffice.call('PUT', `/v1/users/${userId}/contact`, body);
const putOwn = (userId: string, body: unknown) => usher.callAs(userId, 'PUT', '/v1/me/contact', body);

test('what a back office sets, the user reads, and both may replace and remove it', async () => {
  expect((await put('ada', { ...ADA, emailVerified: true })).body).toMatchObject({
    ...ADA,
    emailVerified: true,
    phoneVerified: false,
  });
  expect((await usher.callAs('ada', 'GET', '/v1/me/contact')).body).toMatchObject(ADA);
  expect((await putOwn('ada', { phone: ADA.phone })).body).toMatchObject({
    phone: ADA.phone,
    email: null,
    emailVerified: false,
    timezone: null,
  });
  expect((await usher.callAs('ada', 'DELETE', '/v1/me/contact')).status).toBe(204);
  expect((await usher.backOffice.call('GET', '/v1/users/ada/contact')).body.code).toBe('not_found');
  expect((await usher.backOffice.call('DELETE', '/v1/users/ada/contact')).body.code).toBe('not_found');
});

test('a user cannot verify an address: another one is not verified, the same one stays so', async () => {
  await put('bob', { ...ADA, emailVerified: true, phoneVerified: true });
  expect((await putOwn('bob', { ...ADA, phone: '+4915112345679' })).body).toMatchObject({
    emailVerified: true,
    phoneVerified: false,
  });
  expect((await putOwn('bob', { ...ADA, phoneVerified: true })).body).toMatchObject({ phoneVerified: false });
});

test('an app that is newer than its server may send fields that the server does not know, a back office may not', async () => {
  const newer = { ...ADA, pronouns: 'she' };
  expect(await putOwn('dot', newer)).toMatchObject({ status: 200, body: ADA });
  expectProblem(await put('dot', newer), 400, 'invalid_request');
});

test('a contact that is put again as it is, is told to the audit as unchanged', async () => {
  const results = async () =>
    (await readAudit(usher, 'user=eli&action=contact.put')).map(({ result }) => result);
  for (let n = 0; n < 2; n += 1) await put('eli', { ...ADA, emailVerified: true });
  expect(await results()).toEqual(['unchanged', 'done']);
  await put('eli', ADA);
  expect(await results()).toEqual(['done', 'unchanged', 'done']);
});

test('no address is in the database, in the audit or in the log in the clear', async () => {
  await put('cy', { ...ADA, email: 'cy.secret@example.com' });
  const rows = await usher.database.query<Record<string, unknown>>(
    `SELECT encode(email, 'escape') AS email, encode(phone, 'escape') AS phone,
       (SELECT string_agg(coalesce(before::text, '') || after::text, '') FROM audit_entry) AS audit
     FROM contact WHERE user_id = 'cy'`,
  );
  const text = JSON.stringify(rows) + usher.log();
  expect(rows).toHaveLength(1);
  expect(text).not.toContain('cy.secret');
  expect(text).not.toContain(ADA.phone.slice(1));
});

test('while CONTACT_KEY is replaced, what the old one encrypted is read and found', () => {
  const next = 'the key of next year with 32 bytes or more';
  const before = new ContactCipher([CONTACT_KEY]);
  const during = new ContactCipher([next, CONTACT_KEY]);
  expect(during.decrypt(before.encrypt(ADA.phone))).toBe(ADA.phone);
  expect(during.hashes(ADA.phone)).toContainEqual(before.hash(ADA.phone));
  expect(() => new ContactCipher([next]).decrypt(before.encrypt(ADA.phone))).toThrow('CONTACT_KEY');
});

test('without CONTACT_KEY an address is refused, not stored in the clear', () => {
  const refused = () => new AddressCipherService(testConfig()).require();
  expect(refused).toThrow(expect.objectContaining({ code: 'not_configured' }));
});

test('a key with less than the scope admin neither reads nor writes one', async () => {
  const body = { name: 'desk', scopes: ['operate', 'publish'] };
  const key = String((await call(usher.url, ADMIN_KEY, 'POST', '/v1/keys', body)).body.key);
  for (const method of ['GET', 'PUT', 'DELETE'])
    expect(
      (await call(usher.url, key, method, '/v1/users/ada/contact', method === 'PUT' ? ADA : undefined))
        .status,
    ).toBe(403);
});

describe('an address that is none is refused, and the error says why', () => {
  test.each([
    ['a number without +', { phone: '015112345678' }, 'E.164'],
    ['a number with blanks', { phone: '+49 151 12345678' }, 'E.164'],
    ['a number that is too short', { phone: '+4915' }, 'E.164'],
    ['a number of no country', { phone: '+99912345678' }, 'no number'],
    ['a number with a letter', { phone: '+4915112345abc' }, 'E.164'],
    ['a German landline', { phone: '+4930123456' }, 'landline'],
    ['a British landline', { phone: '+442079460123' }, 'landline'],
    ['a German premium number', { phone: '+499001234567' }, 'premium'],
    ['a British premium number', { phone: '+449098790879' }, 'premium'],
    ['an American toll-free number', { phone: '+18002345678' }, 'toll-free'],
    ['a mail address without @', { email: 'ada.example.com' }, 'mail address'],
    [
      'a mail address with a header in it',
      { email: 'ada@example.com\r\nBcc: eve@example.com' },
      'mail address',
    ],
    ['two mail addresses', { email: 'ada@example.com, eve@example.com' }, 'mail address'],
    ['a mail address with a name', { email: 'Ada <ada@example.com>' }, 'mail address'],
    ['a zone that nobody knows', { timezone: 'Europe/Atlantis' }, 'IANA'],
    ['an abbreviation of a zone', { timezone: 'IST' }, 'IANA'],
    ['an offset as a zone', { timezone: '+02:00' }, 'IANA'],
    ['a language that is none', { locale: 'german!' }, 'BCP 47'],
    ['a field that nobody knows', { mail: 'ada@example.com' }, 'did you mean email'],
    ['a verified address that is not there', { phoneVerified: true }, 'no phone'],
  ])('%s', async (_, body, why) => {
    const reply = await put('eve', body);
    expect([reply.status, reply.body.code]).toEqual([400, 'invalid_request']);
    expect(JSON.stringify(reply.body)).toContain(why);
  });
});

test('mobile numbers of many countries, and American ones that may be either, are taken', async () => {
  for (const phone of ['+447400123456', '+12012345678', '+819012345678', '+5511961234567', '+33612345678'])
    expect((await put('fay', { phone })).body).toMatchObject({ phone });
});
