/** `failed`: something will not work; `warning`: it works, and may not for long, or not as meant; `skipped`: could not be looked at. */
export type CheckStatus = 'ok' | 'warning' | 'failed' | 'skipped';

export interface Check {
  name: string;
  status: CheckStatus;
  /** What was found. */
  message: string;
  /** What to do about it. */
  remedy?: string;
}

export const ok = (name: string, message: string): Check => ({ name, status: 'ok', message });
export const skipped = (name: string, message: string): Check => ({ name, status: 'skipped', message });
export const warning = (name: string, message: string, remedy: string): Check => ({
  name,
  status: 'warning',
  message,
  remedy,
});
export const failed = (name: string, message: string, remedy: string): Check => ({
  name,
  status: 'failed',
  message,
  remedy,
});

/** Whether what is said to this host leaves the machine. */
export const isRemote = (host: string): boolean => !/^(localhost|127\.[\d.]+|\[?::1\]?|)$/.test(host);
