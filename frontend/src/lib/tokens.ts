/**
 * Tokens, in memory and nowhere else: renewed a minute before they run out, one renewal at a time.
 */

export interface Token {
  value: string;
  /** Milliseconds since the epoch. */
  expiresAt: number;
}

export class TokenCache {
  private current: Token | undefined;
  private renewal: Promise<Token> | undefined;
  /** Counts `forget`, so that a renewal begun before it is not kept after it. */
  private era = 0;

  constructor(
    private readonly fetchToken: () => Promise<Token>,
    private readonly marginMs: number,
    private readonly now: () => number = Date.now,
  ) {}

  /** Give a token with at least the margin left to live. Rejects when none can be had. */
  async get(): Promise<string> {
    if (this.current && this.current.expiresAt - this.marginMs > this.now()) {
      return this.current.value;
    }
    return this.renew();
  }

  /**
   * Give a token other than `rejected`, which the API refused. Callers that met the same refusal
   * share one renewal; one that comes late gets what the others got.
   */
  async replace(rejected: string): Promise<string> {
    if (this.current?.value === rejected) this.current = undefined;
    return this.get();
  }

  /** Drop everything, as on sign-out. */
  forget(): void {
    this.era += 1;
    this.current = undefined;
    this.renewal = undefined;
  }

  private renew(): Promise<string> {
    if (!this.renewal) {
      const era = this.era;
      const renewal = this.fetchToken();
      this.renewal = renewal;
      const settle = () => {
        if (this.renewal === renewal) this.renewal = undefined;
      };
      renewal.then((token) => {
        if (era === this.era) this.current = token;
        settle();
      }, settle);
    }
    return this.renewal.then((token) => token.value);
  }
}

/** When a JWT runs out, in milliseconds since the epoch; 0 when it does not say. */
export function jwtExpiry(jwt: string): number {
  try {
    const payload = jwt.split(".")[1] ?? "";
    const json = atob(payload.replaceAll("-", "+").replaceAll("_", "/"));
    const { exp } = JSON.parse(json) as { exp?: unknown };
    return typeof exp === "number" ? exp * 1000 : 0;
  } catch {
    return 0;
  }
}
