/** An exact amount for people, in a language: "€8.75" in a currency, "8.75" in credits. */

/** The formats by language and currency: to make a format takes long, and every digit that changes needs one. */
const formats = new Map<string, Intl.NumberFormat>();

/**
 * The amount with all of its at most six decimals, and at least two or those that the currency has. The currency is a code
 * of ISO 4217; without one the amount is in credits. Throws a `RangeError` for what is no code of a currency or of a language.
 */
export function amountText(amount: string, currency: string | null, language: string): string {
  const key = `${language} ${currency}`;
  const unit = currency
    ? { style: "currency" as const, currency }
    : { minimumFractionDigits: 2, useGrouping: false };
  const format = formats.get(key) ?? new Intl.NumberFormat(language, { ...unit, maximumFractionDigits: 6 });
  formats.set(key, format);
  return format.format(amount as `${number}`).replace("-", "−");
}
