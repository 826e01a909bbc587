/** An exact amount for people, in a currency and a language: "€8.75". */

/** The formats by language and currency: to make a format takes long, and every digit that changes needs one. */
const formats = new Map<string, Intl.NumberFormat>();

/**
 * The amount in a currency, a code of ISO 4217: all of its at most six decimals, and at least those that the currency has.
 * Throws a `RangeError` for what is no code of a currency or of a language.
 */
export function inCurrency(amount: string, currency: string, language: string): string {
  const key = `${language} ${currency}`;
  const known = formats.get(key);
  const format =
    known ?? new Intl.NumberFormat(language, { style: "currency", currency, maximumFractionDigits: 6 });
  formats.set(key, format);
  return format.format(amount as `${number}`).replace("-", "−");
}
