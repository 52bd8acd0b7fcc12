import {
  type Client,
  QueryRejectedError,
  WorkflowClient,
  type WorkflowClientOptions,
  WorkflowExecutionAlreadyStartedError,
  WorkflowNotFoundError,
  type WorkflowStartOptions,
} from '@temporalio/client';
import type { QueryDefinition, SignalDefinition, Workflow, WorkflowResultType } from '@temporalio/common';
import { isEnded } from './closed-history.js';
import { ServiceUnavailableError, WorkerUnavailableError } from './errors/index.js';
import { Requests, type Target } from './requests.js';
import { untilKnown } from './until-known.js';
import { Waits } from './waits.js';
import { describeWorkflow, type WorkflowDescription } from './workflow-description.js';

/** For requests that the service answers by itself: an unreachable service is reported within five seconds. */
const REQUEST_TIMEOUT_MS = 4_000;
/** For requests that a worker answers. */
const WORKER_TIMEOUT_MS = 10_000;
/** A query that takes longer makes the client ask the service whether there is a worker. */
const PATIENCE_MS = 1_000;
const CHECK_TIMEOUT_MS = 3_000;
/** For one long poll: the service ends it a second before its time. */
const POLL_TIMEOUT_MS = 5_000;
/** `TASK_QUEUE_TYPE_WORKFLOW` of Temporal's API. */
const WORKFLOW_TASK_QUEUE = 1;
