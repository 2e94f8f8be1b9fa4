/** What stands for a value that is not shown. */
export const REDACTED = '[redacted]';

/**
 * Fields whose values, and all within them, are about a person or secret, in whatever case: names, addresses and ways to reach them, cards and
 * accounts, and what a back office wrote into Stripe's metadata.
 */
const HIDDEN_FIELD =
  /name|e_?mail|phone|address|billing_details|shipping|customer_details|card|last4|fingerprint|iban|bank|account_number|tax|vat|birth|^ip$|_ip$|description|descriptor|memo|note|comment|metadata|custom_fields|secret|token|password|signature|url$/i;
/** Fields within hidden ones that are ids all the same. */
const SHOWN_FIELD = /^(userId|obfuscatedExternalAccountId|appAccountToken|packageName|price|id)$/;
/** An id, a time, a status, a currency: one word. A name, a sentence, an address of any kind, or a signed document is none. */
const PLAIN = /^[A-Za-z0-9_.:+-]{1,128}$/;

/**
 * Returns a copy of a webhook's body for people who look for a fault: the names of all fields, and of their values numbers, booleans, ids,
 * times and statuses. What is about a person or secret is `[redacted]`, and so is any text that is not clearly something else.
 */
export const redactBody = (body: unknown): unknown => redact(body, false);

function redact(value: unknown, isHidden: boolean): unknown {
  if (Array.isArray(value)) return value.map((one) => redact(one, isHidden));
  if (typeof value === 'object' && value !== null)
    return Object.fromEntries(
      Object.entries(value).map(([field, inner]) => [field, redact(inner, hides(field, isHidden))]),
    );
  if (value === null || value === '') return value;
  if (isHidden) return REDACTED;
  return typeof value !== 'string' || PLAIN.test(value) ? value : REDACTED;
}

const hides = (field: string, isWithinHidden: boolean): boolean =>
  !SHOWN_FIELD.test(field) && (isWithinHidden || HIDDEN_FIELD.test(field));
