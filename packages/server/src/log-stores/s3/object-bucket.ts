import { ServerError } from '../../server-error.js';

/** The few things that the log store does with a bucket. */
export interface ObjectBucket {
  put(key: string, body: Buffer): Promise<void>;
  /** Null when there is no such object. */
  get(key: string): Promise<Buffer | null>;
  /** All keys with the prefix that sort behind `after`, in order. */
  list(prefix: string, after?: string): Promise<string[]>;
  remove(keys: readonly string[]): Promise<void>;
  close(): void;
}

export interface S3Options {
  readonly bucket: string;
  /** Put before every key; `runbeat/` for a bucket that is shared. */
  readonly prefix?: string;
  /** For services other than Amazon's. */
  readonly endpoint?: string;
  readonly region?: string;
  /** Absent = the usual chain of environment, profile and instance role. */
  readonly credentials?: { readonly accessKeyId: string; readonly secretAccessKey: string };
  /** `https://host/bucket/key` instead of `https://bucket.host/key`; most other services want it. */
  readonly forcePathStyle?: boolean;
}

const parallelRemovals = 16;

/** The AWS SDK is large and needed by few, so it is an optional peer that is loaded when this store is chosen. */
export async function openBucket(options: S3Options): Promise<ObjectBucket> {
  const sdk = await import('@aws-sdk/client-s3').catch((error: unknown) => {
    throw new ServerError(
      'log_store_unavailable',
      'The log store `s3` needs the package @aws-sdk/client-s3, which is not installed. Run `npm install @aws-sdk/client-s3` beside Runbeat, or choose another log store.',
      { cause: error },
    );
  });
  const { bucket: Bucket, endpoint, credentials } = options;
  const client = new sdk.S3Client({
    region: options.region ?? 'us-east-1',
    ...(endpoint === undefined ? {} : { endpoint }),
    ...(credentials === undefined ? {} : { credentials }),
    forcePathStyle: options.forcePathStyle ?? endpoint !== undefined,
    // Services other than Amazon's do not know the newer checksums.
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    maxAttempts: 3,
  });
  return {
    async put(Key, Body) {
      await client.send(new sdk.PutObjectCommand({ Bucket, Key, Body }));
    },
    async get(Key) {
      try {
        const { Body } = await client.send(new sdk.GetObjectCommand({ Bucket, Key }));
        return Body === undefined ? null : Buffer.from(await Body.transformToByteArray());
      } catch (error) {
        if ((error as { name?: unknown }).name === 'NoSuchKey') return null;
        throw error;
      }
    },
    async list(Prefix, after) {
      const keys: string[] = [];
      let ContinuationToken: string | undefined;
      do {
        const page = await client.send(
          new sdk.ListObjectsV2Command({
            Bucket,
            Prefix,
            ...(after === undefined ? {} : { StartAfter: after }),
            ...(ContinuationToken === undefined ? {} : { ContinuationToken }),
          }),
        );
        for (const { Key } of page.Contents ?? []) if (Key !== undefined) keys.push(Key);
        ContinuationToken = page.IsTruncated === true ? page.NextContinuationToken : undefined;
      } while (ContinuationToken !== undefined);
      return keys;
    },
    async remove(keys) {
      for (let start = 0; start < keys.length; start += parallelRemovals) {
        const some = keys.slice(start, start + parallelRemovals);
        await Promise.all(some.map((Key) => client.send(new sdk.DeleteObjectCommand({ Bucket, Key }))));
      }
    },
    close: () => client.destroy(),
  };
}
