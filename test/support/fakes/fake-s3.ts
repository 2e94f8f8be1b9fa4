import { createHash, createHmac } from 'node:crypto';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';

/** Fake of an S3-compatible store with one bucket: PUT, GET and HEAD of objects, with AWS Signature Version 4 checked. */
export interface FakeS3 {
  /** The endpoint and the bucket. */
  readonly url: string;
  readonly credentials: { readonly accessKeyId: string; readonly secretAccessKey: string };
  readonly region: string;
  /** By their keys. */
  readonly objects: ReadonlyMap<string, Buffer>;
  /** The next `count` requests get this status, and nothing else happens. */
  failNext(count: number, status: number): void;
  close(): Promise<void>;
}

const credentials = { accessKeyId: 'usher-test', secretAccessKey: 'the secret of the test bucket' };
const region = 'eu-test-1';
const BUCKET = '/usher-raw/';

export async function startFakeS3(): Promise<FakeS3> {
  const objects = new Map<string, Buffer>();
  let failures = { count: 0, status: 500 };
  const server = createServer((request, response) => {
    void bodyOf(request).then((body) => {
      const end = (status: number, content?: Buffer) => response.writeHead(status).end(content);
      if (failures.count > 0) {
        failures = { ...failures, count: failures.count - 1 };
        return end(failures.status);
      }
      const path = decodeURIComponent(request.url ?? '');
      if (!isSigned(request, body) || !path.startsWith(BUCKET)) return end(403);
      const key = path.slice(BUCKET.length);
      if (request.method === 'PUT') objects.set(key, body);
      const found = objects.get(key);
      if (!found) return end(404);
      return request.method === 'GET' ? end(200, found) : end(200);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}${BUCKET.slice(0, -1)}`,
    credentials,
    region,
    objects,
    failNext: (count, status) => void (failures = { count, status }),
    close: () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  };
}

async function bodyOf(request: IncomingMessage): Promise<Buffer> {
  const parts: Buffer[] = [];
  for await (const part of request) parts.push(part as Buffer);
  return Buffer.concat(parts);
}

/** As Amazon describes it: canonical request, string to sign, derived key. */
function isSigned(request: IncomingMessage, body: Buffer): boolean {
  const authorization =
    /^AWS4-HMAC-SHA256 Credential=([^/]+)\/(\d{8})\/([^/]+)\/s3\/aws4_request,\s*SignedHeaders=([^,]+),\s*Signature=(\w+)$/.exec(
      request.headers.authorization ?? '',
    );
  if (!authorization) return false;
  const [, accessKeyId, date = '', signedRegion, names = '', signature] = authorization;
  const contentHash = String(request.headers['x-amz-content-sha256']);
  const isBodyRight = contentHash === 'UNSIGNED-PAYLOAD' || contentHash === sha256(body);
  const headers = names.split(';').map((name) => `${name}:${String(request.headers[name]).trim()}\n`);
  const [path = '', query = ''] = (request.url ?? '').split('?');
  const canonical = [request.method, path, query, headers.join(''), names, contentHash].join('\n');
  const scope = `${date}/${region}/s3/aws4_request`;
  const toSign = [
    'AWS4-HMAC-SHA256',
    request.headers['x-amz-date'],
    scope,
    sha256(Buffer.from(canonical)),
  ].join('\n');
  const key = [date, region, 's3', 'aws4_request'].reduce<Buffer>(
    (secret, part) => hmac(secret, part),
    Buffer.from(`AWS4${credentials.secretAccessKey}`),
  );
  return (
    accessKeyId === credentials.accessKeyId &&
    signedRegion === region &&
    isBodyRight &&
    hmac(key, toSign).toString('hex') === signature
  );
}

const sha256 = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');
const hmac = (key: Buffer, text: string): Buffer => createHmac('sha256', key).update(text).digest();
