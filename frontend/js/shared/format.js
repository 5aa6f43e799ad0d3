// Numbers and times as people read them.

/** @param {number} bytes */
export function formatSize(bytes) {
  if (bytes < 1024) return `${bytes} B`;
  if (bytes < 1024 * 1024) return `${Number((bytes / 1024).toFixed(1))} KiB`;
  return `${Number((bytes / 1024 / 1024).toFixed(1))} MiB`;
}

/** @param {number} ms */
export function formatDuration(ms) {
  if (ms < 10) return `${ms.toFixed(1)} ms`;
  return ms < 10_000 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(1)} s`;
}

/** @param {number} time milliseconds since 1970 @returns {string} local time of day, to the millisecond */
export function formatTime(time) {
  const date = new Date(time);
  const two = (/** @type {number} */ n) => String(n).padStart(2, "0");
  const clock = [date.getHours(), date.getMinutes(), date.getSeconds()].map(two).join(":");
  return `${clock}.${String(date.getMilliseconds()).padStart(3, "0")}`;
}

/** @type {Map<string, Intl.DateTimeFormat>} */
const formatters = new Map();

/**
 * @param {number} time milliseconds since 1970
 * @param {"en" | "zh"} language
 * @param {"day" | "moment" | "minute"} precision the day, the day and the time, or the time of day
 */
export function formatDate(time, language, precision) {
  const key = `${language} ${precision}`;
  let formatter = formatters.get(key);
  if (formatter === undefined) {
    /** @type {Intl.DateTimeFormatOptions} */
    const options =
      precision === "minute"
        ? { hour: "2-digit", minute: "2-digit", hourCycle: "h23" }
        : precision === "day"
          ? { dateStyle: "full" }
          : { dateStyle: "full", timeStyle: "medium", hourCycle: "h23" };
    formatter = new Intl.DateTimeFormat(language === "zh" ? "zh-CN" : "en-GB", options);
    formatters.set(key, formatter);
  }
  return formatter.format(time);
}

/** @param {string} date such as 2026-11-09 @param {"en" | "zh"} language @returns {string} that day, wherever one is */
export function formatDay(date, language) {
  const time = Date.parse(date);
  if (Number.isNaN(time)) return date;
  return new Intl.DateTimeFormat(language === "zh" ? "zh-CN" : "en-GB", {
    dateStyle: "medium",
    timeZone: "UTC",
  }).format(time);
}
