CREATE TABLE "activity_log" (
	"id" uuid PRIMARY KEY NOT NULL,
	"company_id" uuid NOT NULL,
	"actor" text NOT NULL,
	"action" text NOT NULL,
	"entity_type" text NOT NULL,
	"entity_id" text NOT NULL,
	"data" jsonb,
	"created_at" timestamp (3) with time zone NOT NULL
);
--> statement-breakpoint
CREATE TABLE "agent_runtime_state" (
	"agent_id" uuid PRIMARY KEY NOT NULL,
	"company_id" uuid NOT NULL,
	"first_heartbeat_at" timestamp (3) with time zone,
	"last_heartbeat_at" timestamp (3) with time zone,
	"next_timer_wake_at" timestamp (3) with time zone,
	"last_run_id" uuid,
	"last_run_status" text,
	"last_error_code" text,
	"total_runs" bigint DEFAULT 0 NOT NULL,
	"total_input_tokens" bigint DEFAULT 0 NOT NULL,
	"total_output_tokens" bigint DEFAULT 0 NOT NULL,
	"total_cost_usd" double precision DEFAULT 0 NOT NULL
);
--> statement-breakpoint
CREATE TABLE "agent_sessions" (
	"agent_id" uuid NOT NULL,
	"adapter_type" text NOT NULL,
	"task_key" text NOT NULL,
	"company_id" uuid NOT NULL,
	"value" jsonb,
	"run_id" uuid NOT NULL,
	"updated_at" timestamp (3) with time zone NOT NULL,
	CONSTRAINT "agent_sessions_agent_id_adapter_type_task_key_pk" PRIMARY KEY("agent_id","adapter_type","task_key")
);
--> statement-breakpoint
CREATE TABLE "agent_wakeup_requests" (
	"id" uuid PRIMARY KEY NOT NULL,
	"company_id" uuid NOT NULL,
	"agent_id" uuid NOT NULL,
	"source" text NOT NULL,
	"reason" text,
	"prompt" text,
	"payload" jsonb,
	"issue_id" uuid,
	"task_key" text,
	"priority" integer NOT NULL,
	"idempotency_key" text,
	"status" text NOT NULL,
	"status_reason" text,
	"run_id" uuid,
	"coalesced_count" integer DEFAULT 0 NOT NULL,
	"requested_by" text,
	"created_at" timestamp (3) with time zone NOT NULL,
	"updated_at" timestamp (3) with time zone NOT NULL,
	"insertion_id" bigserial NOT NULL
);
--> statement-breakpoint
CREATE TABLE "agents" (
	"id" uuid PRIMARY KEY NOT NULL,
	"company_id" uuid NOT NULL,
	"name" text NOT NULL,
	"role" text NOT NULL,
	"status" text NOT NULL,
	"status_reason" text,
	"adapter_type" text NOT NULL,
	"adapter_config" jsonb,
	"runtime_config" jsonb NOT NULL,
	"created_at" timestamp (3) with time zone NOT NULL,
	"updated_at" timestamp (3) with time zone NOT NULL,
	"deleted_at" timestamp (3) with time zone
);
--> statement-breakpoint
CREATE TABLE "api_keys" (
	"id" uuid PRIMARY KEY NOT NULL,
	"name" text NOT NULL,
	"scope" text NOT NULL,
	"company_id" uuid,
	"agent_id" uuid,
	"runner_id" uuid,
	"key_hash" text NOT NULL,
	"key_prefix" text NOT NULL,
	"created_at" timestamp (3) with time zone NOT NULL,
	"expires_at" timestamp (3) with time zone,
	"revoked_at" timestamp (3) with time zone,
	"last_used_at" timestamp (3) with time zone
);
--> statement-breakpoint
CREATE TABLE "companies" (
	"id" uuid PRIMARY KEY NOT NULL,
	"name" text NOT NULL,
	"created_at" timestamp (3) with time zone NOT NULL
);
--> statement-breakpoint
CREATE TABLE "heartbeat_run_events" (
	"run_id" uuid NOT NULL,
	"seq" integer NOT NULL,
	"company_id" uuid NOT NULL,
	"type" text NOT NULL,
	"level" text NOT NULL,
	"message" text NOT NULL,
	"data" jsonb,
	"at" timestamp (3) with time zone NOT NULL,
	CONSTRAINT "heartbeat_run_events_run_id_seq_pk" PRIMARY KEY("run_id","seq")
);
--> statement-breakpoint
CREATE TABLE "heartbeat_runs" (
	"id" uuid PRIMARY KEY NOT NULL,
	"company_id" uuid NOT NULL,
	"agent_id" uuid NOT NULL,
	"adapter_type" text NOT NULL,
	"status" text NOT NULL,
	"phase" text,
	"invocation_source" text NOT NULL,
	"wakeup_request_id" uuid NOT NULL,
	"issue_id" uuid,
	"task_key" text,
	"context_snapshot" jsonb NOT NULL,
	"priority" integer NOT NULL,
	"queue_rank" bigint NOT NULL,
	"placement_key" text,
	"not_before" timestamp (3) with time zone,
	"owner_instance_id" uuid,
	"owner_epoch" integer DEFAULT 0 NOT NULL,
	"attempt" integer DEFAULT 0 NOT NULL,
	"handle" jsonb,
	"process_pid" integer,
	"process_group_id" integer,
	"process_started_at" timestamp (3) with time zone,
	"started_at" timestamp (3) with time zone,
	"finished_at" timestamp (3) with time zone,
	"updated_at" timestamp (3) with time zone NOT NULL,
	"deadline_at" timestamp (3) with time zone,
	"timeout_ms" bigint,
	"idle_timeout_ms" bigint,
	"last_output_at" timestamp (3) with time zone,
	"log_bytes" bigint DEFAULT 0 NOT NULL,
	"log_cursor" text,
	"cancel_requested_at" timestamp (3) with time zone,
	"cancel_reason" text,
	"warning" jsonb,
	"unknown_since" timestamp (3) with time zone,
	"next_probe_at" timestamp (3) with time zone,
	"instance_death_count" integer DEFAULT 0 NOT NULL,
	"exit_code" bigint,
	"signal" text,
	"error_code" text,
	"error" text,
	"usage" jsonb,
	"provider" text,
	"model" text,
	"cost_usd" double precision,
	"summary" text,
	"result_json" jsonb,
	"retry_of_run_id" uuid,
	"process_loss_retry_count" integer DEFAULT 0 NOT NULL,
	"transient_retry_count" integer DEFAULT 0 NOT NULL,
	"created_at" timestamp (3) with time zone NOT NULL,
	"insertion_id" bigserial NOT NULL
);
--> statement-breakpoint
CREATE TABLE "idempotency_records" (
	"scope" text NOT NULL,
	"key" text NOT NULL,
	"request_hash" text NOT NULL,
	"status" integer,
	"body" jsonb,
	"created_at" timestamp (3) with time zone NOT NULL,
	CONSTRAINT "idempotency_records_scope_key_pk" PRIMARY KEY("scope","key")
);
--> statement-breakpoint
CREATE TABLE "installed_adapters" (
	"package_name" text PRIMARY KEY NOT NULL,
	"adapter_type" text NOT NULL,
	"source" text NOT NULL,
	"version" text NOT NULL,
	"integrity" text,
	"settings" jsonb,
	"installed_at" timestamp (3) with time zone NOT NULL,
	"updated_at" timestamp (3) with time zone NOT NULL,
	"removal_requested_at" timestamp (3) with time zone,
	"installed_by" text,
	"revision" uuid NOT NULL
);
--> statement-breakpoint
CREATE TABLE "interactive_sessions" (
	"id" uuid PRIMARY KEY NOT NULL,
	"company_id" uuid NOT NULL,
	"agent_id" uuid NOT NULL,
	"adapter_type" text NOT NULL,
	"run_id" uuid,
	"task_key" text,
	"state" text NOT NULL,
	"reason" text,
	"detail" text,
	"head_seq" bigint DEFAULT 0 NOT NULL,
	"worker_id" uuid,
	"owner_instance_id" uuid,
	"owner_epoch" integer DEFAULT 0 NOT NULL,
	"handle" jsonb,
	"output_cursor" text,
	"adapter_session" jsonb,
	"status_seq" bigint DEFAULT 0 NOT NULL,
	"open_requests" jsonb DEFAULT '[]'::jsonb NOT NULL,
	"created_at" timestamp (3) with time zone NOT NULL,
	"updated_at" timestamp (3) with time zone NOT NULL,
	"ended_at" timestamp (3) with time zone
);
--> statement-breakpoint
CREATE TABLE "issue_comments" (
	"id" uuid PRIMARY KEY NOT NULL,
	"company_id" uuid NOT NULL,
	"issue_id" uuid NOT NULL,
	"author_agent_id" uuid,
	"author_user_id" text,
	"body" text NOT NULL,
	"created_at" timestamp (3) with time zone NOT NULL
);
--> statement-breakpoint
CREATE TABLE "issues" (
	"id" uuid PRIMARY KEY NOT NULL,
	"company_id" uuid NOT NULL,
	"title" text NOT NULL,
	"description" text,
	"status" text NOT NULL,
	"priority" integer NOT NULL,
	"assignee_agent_id" uuid,
	"assignee_user_id" text,
	"checkout_run_id" uuid,
	"execution_run_id" uuid,
	"recovery_used" text,
	"created_at" timestamp (3) with time zone NOT NULL,
	"updated_at" timestamp (3) with time zone NOT NULL
);
--> statement-breakpoint
CREATE TABLE "live_event_heads" (
	"company_id" uuid PRIMARY KEY NOT NULL,
	"last_number" bigint NOT NULL
);
--> statement-breakpoint
CREATE TABLE "live_events" (
	"insertion_id" bigserial PRIMARY KEY NOT NULL,
	"company_id" uuid NOT NULL,
	"number" bigint,
	"type" text NOT NULL,
	"data" jsonb,
	"at" timestamp (3) with time zone NOT NULL
);
--> statement-breakpoint
CREATE TABLE "run_log_chunks" (
	"run_id" uuid NOT NULL,
	"first_seq" bigint NOT NULL,
	"last_seq" bigint NOT NULL,
	"start_offset" bigint NOT NULL,
	"end_offset" bigint NOT NULL,
	"text" "bytea" NOT NULL,
	"index" "bytea" NOT NULL,
	CONSTRAINT "run_log_chunks_run_id_first_seq_pk" PRIMARY KEY("run_id","first_seq")
);
--> statement-breakpoint
CREATE TABLE "run_logs" (
	"run_id" uuid PRIMARY KEY NOT NULL,
	"company_id" uuid NOT NULL,
	"owner_epoch" integer NOT NULL,
	"last_seq" bigint NOT NULL,
	"end_offset" bigint NOT NULL,
	"last_cursor" "bytea",
	"updated_at" timestamp (3) with time zone NOT NULL
);
--> statement-breakpoint
CREATE TABLE "runner_jobs" (
	"run_id" uuid PRIMARY KEY NOT NULL,
	"company_id" uuid NOT NULL,
	"runner_id" uuid NOT NULL,
	"lease_epoch" integer NOT NULL,
	"session_id" uuid,
	"state" text NOT NULL,
	"offer" jsonb,
	"handle" jsonb,
	"lease_expires_at" timestamp (3) with time zone,
	"cancel_requested_at" timestamp (3) with time zone,
	"cancel_reason" text,
	"log_end" bigint DEFAULT 0 NOT NULL,
	"result" jsonb,
	"result_log_bytes" bigint,
	"result_sha256" text,
	"finish_key" text,
	"created_at" timestamp (3) with time zone NOT NULL,
	"updated_at" timestamp (3) with time zone NOT NULL
);
--> statement-breakpoint
CREATE TABLE "runners" (
	"id" uuid PRIMARY KEY NOT NULL,
	"company_id" uuid,
	"label" text NOT NULL,
	"token_hash" text NOT NULL,
	"admin_status" text NOT NULL,
	"adapters" jsonb,
	"slots" integer NOT NULL,
	"version" text,
	"session_id" uuid,
	"last_seen_at" timestamp (3) with time zone,
	"lease_expires_at" timestamp (3) with time zone,
	"client_report" jsonb,
	"client_report_at" timestamp (3) with time zone,
	"created_at" timestamp (3) with time zone NOT NULL,
	"updated_at" timestamp (3) with time zone NOT NULL
);
--> statement-breakpoint
CREATE TABLE "server_instances" (
	"id" uuid PRIMARY KEY NOT NULL,
	"host" text NOT NULL,
	"pid" integer NOT NULL,
	"host_boot_id" text NOT NULL,
	"process_start_ticks" text,
	"version" text NOT NULL,
	"started_at" timestamp (3) with time zone NOT NULL,
	"lease_expires_at" timestamp (3) with time zone NOT NULL,
	"ended_at" timestamp (3) with time zone
);
--> statement-breakpoint
CREATE TABLE "session_journal" (
	"session_id" uuid NOT NULL,
	"seq" bigint NOT NULL,
	"company_id" uuid NOT NULL,
	"at" timestamp (3) with time zone NOT NULL,
	"kind" text NOT NULL,
	"worker_id" uuid,
	"prompt_id" text,
	"data" jsonb,
	CONSTRAINT "session_journal_session_id_seq_pk" PRIMARY KEY("session_id","seq")
);
--> statement-breakpoint
CREATE TABLE "session_prompts" (
	"session_id" uuid NOT NULL,
	"prompt_id" text NOT NULL,
	"company_id" uuid NOT NULL,
	"state" text NOT NULL,
	"prompt" jsonb,
	"worker_id" uuid,
	"outcome" jsonb,
	"accepted_at" timestamp (3) with time zone NOT NULL,
	"updated_at" timestamp (3) with time zone NOT NULL,
	"settled_at" timestamp (3) with time zone,
	CONSTRAINT "session_prompts_session_id_prompt_id_pk" PRIMARY KEY("session_id","prompt_id")
);
--> statement-breakpoint
ALTER TABLE "agents" ADD CONSTRAINT "agents_company_id_companies_id_fk" FOREIGN KEY ("company_id") REFERENCES "public"."companies"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "issue_comments" ADD CONSTRAINT "issue_comments_issue_id_issues_id_fk" FOREIGN KEY ("issue_id") REFERENCES "public"."issues"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "issues" ADD CONSTRAINT "issues_company_id_companies_id_fk" FOREIGN KEY ("company_id") REFERENCES "public"."companies"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "activity_company_index" ON "activity_log" USING btree ("company_id","id");--> statement-breakpoint
CREATE INDEX "activity_entity_index" ON "activity_log" USING btree ("entity_type","entity_id","id");--> statement-breakpoint
CREATE INDEX "wakeups_company_index" ON "agent_wakeup_requests" USING btree ("company_id","id");--> statement-breakpoint
CREATE INDEX "wakeups_agent_index" ON "agent_wakeup_requests" USING btree ("agent_id","id");--> statement-breakpoint
CREATE UNIQUE INDEX "wakeups_idempotency_index" ON "agent_wakeup_requests" USING btree ("company_id","idempotency_key") WHERE "agent_wakeup_requests"."idempotency_key" IS NOT NULL;--> statement-breakpoint
CREATE INDEX "wakeups_deferred_index" ON "agent_wakeup_requests" USING btree ("issue_id","insertion_id") WHERE "agent_wakeup_requests"."status" = 'deferred';--> statement-breakpoint
CREATE INDEX "agents_company_index" ON "agents" USING btree ("company_id","id") WHERE "agents"."deleted_at" IS NULL;--> statement-breakpoint
CREATE INDEX "agents_name_index" ON "agents" USING btree ("company_id",lower("name")) WHERE "agents"."deleted_at" IS NULL;--> statement-breakpoint
CREATE INDEX "agents_timer_index" ON "agents" USING btree ("id") WHERE "agents"."deleted_at" IS NULL AND "agents"."status" = 'active' AND "agents"."runtime_config" -> 'heartbeat' ->> 'enabled' = 'true';--> statement-breakpoint
CREATE INDEX "agents_adapter_type_index" ON "agents" USING btree ("adapter_type") WHERE "agents"."deleted_at" IS NULL;--> statement-breakpoint
CREATE UNIQUE INDEX "api_keys_hash_index" ON "api_keys" USING btree ("key_hash");--> statement-breakpoint
CREATE INDEX "api_keys_company_index" ON "api_keys" USING btree ("company_id","id");--> statement-breakpoint
CREATE INDEX "runs_company_index" ON "heartbeat_runs" USING btree ("company_id","id");--> statement-breakpoint
CREATE INDEX "runs_company_status_index" ON "heartbeat_runs" USING btree ("company_id","status","id");--> statement-breakpoint
CREATE INDEX "runs_agent_index" ON "heartbeat_runs" USING btree ("agent_id","id");--> statement-breakpoint
CREATE INDEX "runs_issue_index" ON "heartbeat_runs" USING btree ("issue_id","id") WHERE "heartbeat_runs"."issue_id" IS NOT NULL;--> statement-breakpoint
CREATE INDEX "runs_queue_index" ON "heartbeat_runs" USING btree ("queue_rank","insertion_id") WHERE "heartbeat_runs"."status" = 'queued';--> statement-breakpoint
CREATE INDEX "runs_queued_agent_index" ON "heartbeat_runs" USING btree ("agent_id","queue_rank") WHERE "heartbeat_runs"."status" = 'queued';--> statement-breakpoint
CREATE INDEX "runs_queued_timer_index" ON "heartbeat_runs" USING btree ("agent_id") WHERE "heartbeat_runs"."status" = 'queued' AND "heartbeat_runs"."invocation_source" = 'timer';--> statement-breakpoint
CREATE INDEX "runs_not_before_index" ON "heartbeat_runs" USING btree ("not_before") WHERE "heartbeat_runs"."status" = 'queued' AND "heartbeat_runs"."not_before" IS NOT NULL;--> statement-breakpoint
CREATE INDEX "runs_running_agent_index" ON "heartbeat_runs" USING btree ("agent_id") WHERE "heartbeat_runs"."status" = 'running';--> statement-breakpoint
CREATE INDEX "runs_running_owner_index" ON "heartbeat_runs" USING btree ("owner_instance_id","updated_at") WHERE "heartbeat_runs"."status" = 'running';--> statement-breakpoint
CREATE INDEX "runs_running_alive_index" ON "heartbeat_runs" USING btree ("updated_at","next_probe_at") WHERE "heartbeat_runs"."status" = 'running';--> statement-breakpoint
CREATE INDEX "runs_deadline_index" ON "heartbeat_runs" USING btree ("deadline_at") WHERE "heartbeat_runs"."status" = 'running' AND "heartbeat_runs"."deadline_at" IS NOT NULL;--> statement-breakpoint
CREATE INDEX "runs_cancel_index" ON "heartbeat_runs" USING btree ("cancel_requested_at") WHERE "heartbeat_runs"."status" = 'running' AND "heartbeat_runs"."cancel_requested_at" IS NOT NULL;--> statement-breakpoint
CREATE INDEX "idempotency_records_age_index" ON "idempotency_records" USING btree ("created_at");--> statement-breakpoint
CREATE UNIQUE INDEX "installed_adapters_type_index" ON "installed_adapters" USING btree ("adapter_type");--> statement-breakpoint
CREATE INDEX "interactive_sessions_company_index" ON "interactive_sessions" USING btree ("company_id","id");--> statement-breakpoint
CREATE INDEX "interactive_sessions_agent_index" ON "interactive_sessions" USING btree ("agent_id","id");--> statement-breakpoint
CREATE INDEX "interactive_sessions_open_index" ON "interactive_sessions" USING btree ("owner_instance_id") WHERE "interactive_sessions"."ended_at" IS NULL;--> statement-breakpoint
CREATE INDEX "issue_comments_issue_index" ON "issue_comments" USING btree ("issue_id","id");--> statement-breakpoint
CREATE INDEX "issues_company_index" ON "issues" USING btree ("company_id","id");--> statement-breakpoint
CREATE INDEX "issues_company_status_index" ON "issues" USING btree ("company_id","status","id");--> statement-breakpoint
CREATE INDEX "issues_assignee_index" ON "issues" USING btree ("assignee_agent_id","id") WHERE "issues"."assignee_agent_id" IS NOT NULL;--> statement-breakpoint
CREATE INDEX "issues_open_index" ON "issues" USING btree ("id") WHERE "issues"."status" IN ('todo', 'in_progress') AND "issues"."assignee_agent_id" IS NOT NULL;--> statement-breakpoint
CREATE UNIQUE INDEX "live_events_number_index" ON "live_events" USING btree ("company_id","number") WHERE "live_events"."number" IS NOT NULL;--> statement-breakpoint
CREATE INDEX "live_events_waiting_index" ON "live_events" USING btree ("company_id","insertion_id") WHERE "live_events"."number" IS NULL;--> statement-breakpoint
CREATE INDEX "live_events_age_index" ON "live_events" USING btree ("at");--> statement-breakpoint
CREATE INDEX "run_log_chunks_offset_index" ON "run_log_chunks" USING btree ("run_id","end_offset");--> statement-breakpoint
CREATE INDEX "runner_jobs_runner_index" ON "runner_jobs" USING btree ("runner_id","run_id") WHERE "runner_jobs"."state" IN ('offered', 'leased', 'running', 'finishing');--> statement-breakpoint
CREATE INDEX "runner_jobs_lease_index" ON "runner_jobs" USING btree ("lease_expires_at") WHERE "runner_jobs"."state" IN ('offered', 'leased', 'running', 'finishing');--> statement-breakpoint
CREATE INDEX "runners_company_index" ON "runners" USING btree ("company_id","id");--> statement-breakpoint
CREATE INDEX "runners_label_index" ON "runners" USING btree ("label");--> statement-breakpoint
CREATE UNIQUE INDEX "runners_token_index" ON "runners" USING btree ("token_hash");--> statement-breakpoint
CREATE UNIQUE INDEX "session_prompts_in_flight_index" ON "session_prompts" USING btree ("session_id") WHERE "session_prompts"."settled_at" IS NULL;