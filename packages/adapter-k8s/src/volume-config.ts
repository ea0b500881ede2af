import { z } from 'zod';
import { dnsLabel, dnsSubdomain, text } from './kubernetes-names.js';
import { quantityValue } from './quantity.js';

const mount = {
  name: dnsLabel.refine((name) => !name.startsWith('runbeat-'), { error: 'Names that start with runbeat- are taken.' }),
  mountPath: text
    .max(1024)
    .regex(/^\/[^:]*$/, { error: 'An absolute path without a colon.' })
    .refine((path) => path !== '/' && !/^\/runbeat(\/|$)/.test(path), { error: 'This path belongs to the adapter.' }),
  subPath: text.max(1024).optional(),
  readOnly: z.boolean().optional(),
};

const sizeLimit = z.string().refine((value) => (quantityValue(value) ?? 0) > 0, { error: 'Must be a quantity such as 1Gi.' });

/** Kinds that Pod Security `restricted` allows; a `hostPath` is none of them. */
export const runVolume = z.union([
  z.strictObject({
    ...mount,
    emptyDir: z.strictObject({ sizeLimit: sizeLimit.optional(), medium: z.literal('Memory').optional() }),
  }),
  z.strictObject({ ...mount, configMap: z.strictObject({ name: dnsSubdomain, optional: z.boolean().optional() }) }),
  z.strictObject({ ...mount, secret: z.strictObject({ secretName: dnsSubdomain, optional: z.boolean().optional() }) }),
  z.strictObject({
    ...mount,
    persistentVolumeClaim: z.strictObject({ claimName: dnsSubdomain, readOnly: z.boolean().optional() }),
  }),
]);
