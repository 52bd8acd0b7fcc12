import type { Counts, ProgressReport } from '../contract/index.js';

/** Puts what each running page knows now in place of what it last told its batch; a page that did not answer is undefined. */
export function mergePages(report: ProgressReport, answers: readonly (Counts | undefined)[]): ProgressReport {
  const merged = { ...report };
  report.running_pages.forEach(({ counts }, index) => {
    const now = answers[index];
    if (!now) return;
    merged.delivered += now.delivered - counts.delivered;
    merged.retrying += now.retrying - counts.retrying;
    merged.failed += now.failed - counts.failed;
    merged.rejected += now.rejected - counts.rejected;
    merged.canceled += now.canceled - counts.canceled;
    merged.pending += now.pending - counts.pending;
  });
  return merged;
}
