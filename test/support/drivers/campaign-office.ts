import { eventually } from '../eventually.js';
import { expectDone } from '../expectations.js';
import { call, type HttpReply } from './back-office.js';
import { startUsher, type TestUsher } from './usher.js';

export const BECAUSE = { 'usher-reason': 'case 4711' };

/** Two people who run campaigns: what one of them writes is approved by the other. */
export class CampaignOffice {
  private constructor(
    readonly usher: TestUsher,
    private readonly colleague: string,
  ) {}

  /** Starts a node of their own. `stop` ends it. */
  static async open(environment: Record<string, string> = {}): Promise<CampaignOffice> {
    const usher = await startUsher({ CAMPAIGN_APPROVAL: 'another', ...environment });
    const key = { name: 'colleague', scopes: ['operate'] };
    const { body } = await usher.backOffice.call('POST', '/v1/keys', key);
    return new CampaignOffice(usher, String(body.key));
  }

  stop = (): Promise<void> => this.usher.stop();

  call = (
    method: string,
    path: string,
    body?: unknown,
    headers?: Record<string, string>,
  ): Promise<HttpReply> => this.usher.backOffice.call(method, path, body, headers);

  put = (path: string, body: unknown): Promise<Record<string, unknown>> =>
    this.usher.backOffice.put(path, body);

  /** Sends lines of a list; the reply's body is the last line. */
  upload = (
    name: string,
    lines: readonly (string | object)[],
    { query = '', type = 'application/x-ndjson' } = {},
  ): Promise<HttpReply> => {
    const text = lines.map((line) => `${typeof line === 'string' ? line : JSON.stringify(line)}\n`).join('');
    return this.call('PUT', `/v1/audiences/${name}/members${query}`, text, { 'content-type': type });
  };

  /** Gives a user a verified mail address. */
  addMail = (userId: string, email = `${userId}@example.com`) =>
    this.put(`/v1/users/${userId}/contact`, { email, emailVerified: true });

  act = (campaign: string, what: string): Promise<HttpReply> =>
    this.call('POST', `/v1/campaigns/${campaign}/${what}`, undefined, BECAUSE);

  approveAsColleague = (campaign: string, query = ''): Promise<HttpReply> =>
    call(
      this.usher.url,
      this.colleague,
      'POST',
      `/v1/campaigns/${campaign}/approve${query}`,
      undefined,
      BECAUSE,
    );

  /** Approves and schedules it. */
  async begin(campaign: string): Promise<void> {
    expectDone(await this.approveAsColleague(campaign));
    expectDone(await this.act(campaign, 'schedule'));
  }

  read = async (campaign: string) => (await this.call('GET', `/v1/campaigns/${campaign}`)).body;

  /** Waits until the campaign is in the state. Returns it. */
  until = (campaign: string, state: string) =>
    eventually(`the campaign ${campaign} is ${state}`, async () => {
      const body = await this.read(campaign);
      return body.state === state ? body : undefined;
    });
}
