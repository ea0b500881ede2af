import { z } from 'zod';

/** A string with something in it: an empty string is a mistake, not a value. */
export const text = z.string().min(1, { error: 'Must not be empty.' });

export const dnsLabel = text.max(63).regex(/^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/, {
  error: 'Lower-case letters, digits and dashes, at most 63, starting and ending with a letter or digit.',
});

export const dnsSubdomain = text.max(253).regex(/^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/, {
  error: 'Lower-case letters, digits, dashes and dots, at most 253, starting and ending with a letter or digit.',
});

/** `name` or `prefix/name`, as labels, annotations and resources are called. */
export const qualifiedName = text.max(317).regex(/^([a-z0-9]([-a-z0-9.]*[a-z0-9])?\/)?[A-Za-z0-9]([-\w.]{0,61}[A-Za-z0-9])?$/, {
  error: 'Must be a Kubernetes name such as `disk` or `example.com/disk`; the last part has at most 63 characters.',
});

export const labelValue = text.max(63).regex(/^[A-Za-z0-9]([-\w.]*[A-Za-z0-9])?$/, {
  error: 'Letters, digits, dashes, underscores and dots, at most 63, starting and ending with a letter or digit.',
});

export const secretKey = text.max(253).regex(/^[-._a-zA-Z0-9]+$/, { error: 'Letters, digits, dashes, underscores and dots.' });

export const environmentName = text
  .max(253)
  .regex(/^[A-Za-z_][A-Za-z0-9_]*$/, { error: 'Letters, digits and underscores, not starting with a digit.' })
  .refine((name) => !name.startsWith('RUNBEAT_'), { error: 'Names that start with RUNBEAT_ are set by Runbeat.' });
