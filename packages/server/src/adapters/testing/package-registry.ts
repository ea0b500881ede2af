import { createHash } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type AdapterPackage, tarAdapterPackage } from './adapter-package.js';

/** A package registry on loopback: what npm asks of one, nothing more. */
export interface PackageRegistry {
  /** For npm: `npm_config_registry`. */
  readonly url: string;
  publish(wanted: AdapterPackage): Promise<void>;
  /** The tarball of this package is held back from now on; resolves when npm has asked for it. */
  stall(name: string): Promise<void>;
  close(): Promise<void>;
}

interface Published {
  readonly version: string;
  readonly tarball: Buffer;
}

export async function startPackageRegistry(folder: string): Promise<PackageRegistry> {
  const packages = new Map<string, Published[]>();
  const stalled = new Map<string, () => void>();
  const server = createServer((request, response) => {
    const path = decodeURIComponent((request.url ?? '').slice(1));
    const [name = '', version] = path.split('/-/');
    const published = packages.get(name);
    if (!published) {
      response.writeHead(404, { 'content-type': 'application/json' }).end('{"error":"not found"}');
      return;
    }
    if (version === undefined) {
      response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(document(name, published)));
      return;
    }
    const onAsked = stalled.get(name);
    if (onAsked) {
      onAsked();
      return;
    }
    response.writeHead(200).end(published.find((one) => `${one.version}.tgz` === version)?.tarball);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;

  const document = (name: string, published: readonly Published[]) => ({
    name,
    'dist-tags': { latest: published.at(-1)?.version },
    versions: Object.fromEntries(
      published.map(({ version, tarball }) => {
        const integrity = `sha512-${createHash('sha512').update(tarball).digest('base64')}`;
        return [version, { name, version, dist: { tarball: `${url}${name}/-/${version}.tgz`, integrity } }];
      }),
    ),
  });

  return {
    url,
    async publish(wanted) {
      const tarball = await tarAdapterPackage(folder, wanted);
      packages.set(wanted.name, [...(packages.get(wanted.name) ?? []), { version: wanted.version ?? '1.0.0', tarball }]);
    },
    stall: (name) =>
      new Promise((resolve) => {
        stalled.set(name, resolve);
      }),
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
