import { z } from 'zod';
import { idSchema, timestampSchema } from './identifiers.js';
import { pageOf } from './page.js';
import { shortText } from './text.js';

/** The tenant; every other row belongs to exactly one. */
export const companySchema = z.object({ id: idSchema, name: z.string(), createdAt: timestampSchema }).meta({ id: 'Company' });
export type Company = z.infer<typeof companySchema>;

export const companyCreateSchema = z.strictObject({ name: shortText() });
export type CompanyCreate = z.input<typeof companyCreateSchema>;

export const companyPageSchema = pageOf(companySchema);
