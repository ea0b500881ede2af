import { createHash, generateKeyPairSync, type KeyObject, randomBytes, sign } from 'node:crypto';

/** PEM texts of a certificate authority and of a server certificate that it signed. */
export interface ServerCertificates {
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
}

/** Makes a CA and a certificate for `localhost` and 127.0.0.1: Node can sign but not build X.509, so the DER is made here. */
export function createCertificates(): ServerCertificates {
  const ca = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const server = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const caName = name('runbeat simulator CA');
  const caCert = certificate({ subject: caName, issuer: caName, publicKey: ca.publicKey, signedBy: ca.privateKey, isCa: true });
  const serverCert = certificate({
    subject: name('kube-apiserver'),
    issuer: caName,
    publicKey: server.publicKey,
    signedBy: ca.privateKey,
    isCa: false,
  });
  return {
    ca: pem('CERTIFICATE', caCert),
    cert: pem('CERTIFICATE', serverCert),
    key: server.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
  };
}

interface CertificateRequest {
  readonly subject: Buffer;
  readonly issuer: Buffer;
  readonly publicKey: KeyObject;
  readonly signedBy: KeyObject;
  readonly isCa: boolean;
}

const ECDSA_WITH_SHA256 = sequence(objectId('1.2.840.10045.4.3.2'));

function certificate(request: CertificateRequest): Buffer {
  const spki = request.publicKey.export({ type: 'spki', format: 'der' });
  const now = Date.now();
  const body = sequence(
    tagged(0xa0, tagged(0x02, Buffer.from([2]))),
    tagged(0x02, Buffer.concat([Buffer.from([1]), randomBytes(15)])),
    ECDSA_WITH_SHA256,
    request.issuer,
    sequence(utcTime(now - 86_400_000), utcTime(now + 365 * 86_400_000)),
    request.subject,
    spki,
    tagged(0xa3, sequence(...extensions(request.isCa, spki))),
  );
  const signature = sign('sha256', body, request.signedBy);
  return sequence(body, ECDSA_WITH_SHA256, bitString(signature));
}

function extensions(isCa: boolean, spki: Buffer): Buffer[] {
  const basicConstraints = extension('2.5.29.19', true, isCa ? sequence(tagged(0x01, Buffer.from([0xff]))) : sequence());
  const keyId = extension('2.5.29.14', false, tagged(0x04, createHash('sha1').update(spki).digest()));
  if (isCa) return [basicConstraints, keyId, extension('2.5.29.15', true, tagged(0x03, Buffer.from([1, 0x06])))];
  const names = sequence(tagged(0x82, Buffer.from('localhost')), tagged(0x87, Buffer.from([127, 0, 0, 1])));
  return [basicConstraints, keyId, extension('2.5.29.17', false, names)];
}

function extension(id: string, isCritical: boolean, value: Buffer): Buffer {
  const critical = isCritical ? [tagged(0x01, Buffer.from([0xff]))] : [];
  return sequence(objectId(id), ...critical, tagged(0x04, value));
}

function name(commonName: string): Buffer {
  return sequence(tagged(0x31, sequence(objectId('2.5.4.3'), tagged(0x0c, Buffer.from(commonName)))));
}

function utcTime(ms: number): Buffer {
  const digits = new Date(ms).toISOString().replace(/[-:T]/g, '').slice(2, 14);
  return tagged(0x17, Buffer.from(`${digits}Z`));
}

function objectId(dotted: string): Buffer {
  const [first = 0, second = 0, ...rest] = dotted.split('.').map(Number);
  const bytes = [first * 40 + second];
  for (const part of rest) {
    const groups = [part & 0x7f];
    for (let left = part >>> 7; left > 0; left >>>= 7) groups.unshift((left & 0x7f) | 0x80);
    bytes.push(...groups);
  }
  return tagged(0x06, Buffer.from(bytes));
}

function bitString(bytes: Buffer): Buffer {
  return tagged(0x03, Buffer.concat([Buffer.from([0]), bytes]));
}

function sequence(...parts: Buffer[]): Buffer {
  return tagged(0x30, Buffer.concat(parts));
}

function tagged(tag: number, content: Buffer): Buffer {
  const { length } = content;
  if (length < 0x80) return Buffer.concat([Buffer.from([tag, length]), content]);
  const size = length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.from([tag, ...size]), content]);
}

function pem(label: string, der: Buffer): string {
  const lines = der.toString('base64').match(/.{1,64}/g) ?? [];
  return `-----BEGIN ${label}-----\n${lines.join('\n')}\n-----END ${label}-----\n`;
}
