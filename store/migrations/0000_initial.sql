CREATE TABLE "api_keys" (
	"hash" text PRIMARY KEY NOT NULL,
	"prefix" text NOT NULL,
	"user_id" text NOT NULL,
	"created_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"revoked_at" timestamp (3) with time zone,
	CONSTRAINT "api_keys_prefix_unique" UNIQUE("prefix")
);
--> statement-breakpoint
CREATE TABLE "attempts" (
	"seq" bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "attempts_seq_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"webhook_id" text NOT NULL,
	"batch_id" text NOT NULL,
	"send_type" text NOT NULL,
	"sent_at" timestamp (3) with time zone NOT NULL,
	"deadline" timestamp (3) with time zone NOT NULL,
	"alone" boolean NOT NULL,
	"finished_at" timestamp (3) with time zone,
	"response_code" integer,
	"response_time_ms" integer,
	"error" text
);
--> statement-breakpoint
CREATE TABLE "batches" (
	"batch_id" text PRIMARY KEY NOT NULL,
	"workflow_id" text NOT NULL,
	"user_id" text NOT NULL,
	"send_type" text NOT NULL,
	"total" integer NOT NULL,
	"registered" integer DEFAULT 0 NOT NULL,
	"counts" text,
	"accepted_at" timestamp (3) with time zone NOT NULL,
	"paused_since" timestamp (3) with time zone,
	"paused_ms" bigint DEFAULT 0 NOT NULL,
	"finished_at" timestamp (3) with time zone,
	"pruned_at" timestamp (3) with time zone
);
--> statement-breakpoint
CREATE TABLE "calls" (
	"user_id" text NOT NULL,
	"call_id" text NOT NULL,
	"data" text NOT NULL,
	"imported_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "calls_user_id_call_id_pk" PRIMARY KEY("user_id","call_id")
);
--> statement-breakpoint
CREATE TABLE "endpoints" (
	"key" text PRIMARY KEY NOT NULL,
	"user_id" text NOT NULL,
	"url" text NOT NULL,
	"state" text DEFAULT 'up' NOT NULL,
	"since" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"failures" integer DEFAULT 0 NOT NULL,
	"failing_since" timestamp (3) with time zone,
	"next_probe_at" timestamp (3) with time zone,
	"answered_at" timestamp (3) with time zone,
	"response_code" integer,
	"error" text,
	"used_at" timestamp (3) with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
CREATE TABLE "rejections" (
	"batch_id" text NOT NULL,
	"call_id" text NOT NULL,
	"error" text NOT NULL,
	CONSTRAINT "rejections_batch_id_call_id_pk" PRIMARY KEY("batch_id","call_id")
);
--> statement-breakpoint
CREATE TABLE "signing_secrets" (
	"id" text PRIMARY KEY NOT NULL,
	"seq" bigint GENERATED ALWAYS AS IDENTITY (sequence name "signing_secrets_seq_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"user_id" text NOT NULL,
	"secret" text NOT NULL,
	"created_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"activates_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"revoked_at" timestamp (3) with time zone
);
--> statement-breakpoint
CREATE TABLE "webhooks" (
	"user_id" text NOT NULL,
	"call_id" text NOT NULL,
	"id" text NOT NULL,
	"url" text NOT NULL,
	"endpoint" text NOT NULL,
	"payload" text,
	"batch_id" text NOT NULL,
	"status" text NOT NULL,
	"error" text,
	"reason" text,
	"step" integer DEFAULT 0 NOT NULL,
	"interruptions" integer DEFAULT 0 NOT NULL,
	"interruptions_alone" integer DEFAULT 0 NOT NULL,
	"next_attempt_at" timestamp (3) with time zone,
	"not_before" timestamp (3) with time zone,
	"waiting_since" timestamp (3) with time zone,
	"wakes" integer DEFAULT 0 NOT NULL,
	"created_at" timestamp (3) with time zone NOT NULL,
	"accepted_at" timestamp (3) with time zone NOT NULL,
	"settled_at" timestamp (3) with time zone,
	"erased_at" timestamp (3) with time zone,
	CONSTRAINT "webhooks_user_id_call_id_pk" PRIMARY KEY("user_id","call_id")
);
--> statement-breakpoint
CREATE INDEX "attempts_webhook" ON "attempts" USING btree ("webhook_id","seq");--> statement-breakpoint
CREATE INDEX "attempts_batch" ON "attempts" USING btree ("batch_id","webhook_id");--> statement-breakpoint
CREATE UNIQUE INDEX "attempts_open" ON "attempts" USING btree ("webhook_id") WHERE "attempts"."finished_at" is null;--> statement-breakpoint
CREATE INDEX "batches_workflow" ON "batches" USING btree ("workflow_id");--> statement-breakpoint
CREATE INDEX "batches_paused" ON "batches" USING btree ("user_id","batch_id") WHERE "batches"."paused_since" is not null;--> statement-breakpoint
CREATE INDEX "batches_finished" ON "batches" USING btree ("finished_at","batch_id") WHERE "batches"."pruned_at" is null;--> statement-breakpoint
CREATE INDEX "batches_pruned" ON "batches" USING btree ("pruned_at") WHERE "batches"."pruned_at" is not null;--> statement-breakpoint
CREATE INDEX "endpoints_failing" ON "endpoints" USING btree ("next_probe_at" NULLS FIRST) WHERE "endpoints"."failing_since" is not null;--> statement-breakpoint
CREATE INDEX "endpoints_user" ON "endpoints" USING btree ("user_id","state","since","key");--> statement-breakpoint
CREATE INDEX "endpoints_used" ON "endpoints" USING btree ("used_at");--> statement-breakpoint
CREATE INDEX "endpoints_troubled" ON "endpoints" USING btree ("state","since","key") WHERE "endpoints"."state" <> 'up';--> statement-breakpoint
CREATE INDEX "endpoints_recovered" ON "endpoints" USING btree ("since","key") WHERE "endpoints"."state" = 'up';--> statement-breakpoint
CREATE INDEX "signing_secrets_user" ON "signing_secrets" USING btree ("user_id");--> statement-breakpoint
CREATE UNIQUE INDEX "webhooks_id" ON "webhooks" USING btree ("id");--> statement-breakpoint
CREATE INDEX "webhooks_batch" ON "webhooks" USING btree ("batch_id","call_id");--> statement-breakpoint
CREATE INDEX "webhooks_pending" ON "webhooks" USING btree ("batch_id","endpoint","accepted_at") WHERE "webhooks"."status" = 'pending';--> statement-breakpoint
CREATE INDEX "webhooks_untried" ON "webhooks" USING btree ("endpoint") WHERE "webhooks"."status" = 'pending';--> statement-breakpoint
CREATE INDEX "webhooks_waiting" ON "webhooks" USING btree ("endpoint","waiting_since","batch_id","next_attempt_at","not_before") WHERE "webhooks"."status" = 'retrying';--> statement-breakpoint
CREATE INDEX "webhooks_failed" ON "webhooks" USING btree ("user_id","settled_at","call_id") WHERE "webhooks"."status" = 'failed';