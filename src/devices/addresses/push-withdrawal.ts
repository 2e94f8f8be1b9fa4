/**
 * What a statement that removes a device or its push address must do to the pushes that are queued for it, in the same commit.
 * Implemented by push, which devices must not import; bound in app.module.ts.
 */
export interface PushWithdrawal {
  /**
   * Returns an UPDATE for WITH. `devices`: the name of a query with the columns user_id and device_id. `address_moved`: another device,
   * which is mostly the same one under another account, has taken the address over.
   */
  sql(devices: string, reason: 'device_changed' | 'address_moved'): string;
}

/** Injection token of PushWithdrawal. */
export const PUSH_WITHDRAWAL = Symbol('PUSH_WITHDRAWAL');
