import { z } from 'zod';
import { idSchema, prioritySchema, timestampSchema } from './identifiers.js';
import { pageOf, pageQuerySchema } from './page.js';
import { longText, shortText } from './text.js';

export const issueStatuses = ['backlog', 'todo', 'in_progress', 'in_review', 'done', 'blocked', 'cancelled'] as const;
export type IssueStatus = (typeof issueStatuses)[number];

/** A unit of assigned work. */
export const issueSchema = z
  .object({
    id: idSchema,
    companyId: idSchema,
    title: z.string(),
    description: z.string().nullable(),
    status: z.enum(issueStatuses),
    priority: z.int(),
    assigneeAgentId: idSchema.nullable(),
    assigneeUserId: z.string().nullable(),
    checkoutRunId: idSchema.nullable().meta({ description: 'The run that checked it out.' }),
    executionRunId: idSchema.nullable().meta({ description: 'The run that holds its execution lock.' }),
    createdAt: timestampSchema,
    updatedAt: timestampSchema,
  })
  .meta({ id: 'Issue' });
export type Issue = z.infer<typeof issueSchema>;

const oneAssignee = (value: { assigneeAgentId?: unknown; assigneeUserId?: unknown }): boolean =>
  value.assigneeAgentId == null || value.assigneeUserId == null;
const oneAssigneeMessage = { message: 'an issue has at most one assignee', path: ['assigneeUserId'] };

const issueFields = {
  title: shortText(500),
  description: longText(200_000).nullable(),
  status: z.enum(issueStatuses),
  priority: prioritySchema,
  assigneeAgentId: idSchema.nullable(),
  assigneeUserId: shortText(200).nullable(),
};

export const issueCreateSchema = z
  .strictObject({
    title: issueFields.title,
    description: issueFields.description.optional(),
    status: issueFields.status.optional(),
    priority: issueFields.priority.optional(),
    assigneeAgentId: issueFields.assigneeAgentId.optional(),
    assigneeUserId: issueFields.assigneeUserId.optional(),
  })
  .refine(oneAssignee, oneAssigneeMessage);
export type IssueCreate = z.input<typeof issueCreateSchema>;

export const issueUpdateSchema = z.strictObject(issueFields).partial().refine(oneAssignee, oneAssigneeMessage);
export type IssueUpdate = z.input<typeof issueUpdateSchema>;

export const issueListQuerySchema = pageQuerySchema.extend({
  status: z.enum(issueStatuses).optional(),
  assigneeAgentId: idSchema.optional(),
});
export type IssueListQuery = z.input<typeof issueListQuerySchema>;

export const issuePageSchema = pageOf(issueSchema);

export const issueCommentSchema = z
  .object({
    id: idSchema,
    companyId: idSchema,
    issueId: idSchema,
    authorAgentId: idSchema.nullable(),
    authorUserId: z.string().nullable(),
    body: z.string(),
    createdAt: timestampSchema,
  })
  .meta({ id: 'IssueComment' });
export type IssueComment = z.infer<typeof issueCommentSchema>;

export const issueCommentCreateSchema = z.strictObject({ body: longText(100_000).min(1) });
/** Oldest first. */
export const issueCommentPageSchema = pageOf(issueCommentSchema);

/** The run that takes or gives back the issue; a run token may leave it out, it means its own run. */
export const issueCheckoutSchema = z.strictObject({ runId: idSchema.optional() }).default({});
