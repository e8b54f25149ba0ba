// The rows of the configuration's error codes. A test holds them against the codes in the sources.
#include "catchwater/config/error_codes.h"

namespace catchwater {
namespace {

std::vector<ErrorCode> YamlCodes() {
  return {
      {"E1001", "Not valid YAML", "The file cannot be read as YAML.", "source: { file: a.csv",
       "Look at the marked place and the line above it: a `{` or quote that is not closed, a tab "
       "as indentation, or a text with `: ` in it that needs quotes."},
      {"E1002", "Key given twice",
       "A map has the same key twice. YAML readers differ in which one they take, so it is "
       "refused.",
       "codec: csv\ncodec: json", "Remove one of the two."},
      {"E1003", "File too large", "A configuration file is larger than 1 MiB.", "",
       "Is it the right file? Split it into several pipelines."},
      {"E1004", "Nested too deeply", "The file has more than 64 levels of maps and lists.", "",
       "Remove levels; no option needs so many."},
      {"E1005", "Too many values",
       "The file has more than 200,000 values. Aliases (`*name`) count as often as they are used: "
       "a small file can stand for a huge one.",
       "", "Remove aliases that repeat aliases."},
      {"E1006", "Variable not set",
       "The file uses `${NAME}`, the environment does not have it, and there is no default.",
       "url: ${PG_URL}",
       "`export PG_URL=...`, or give a default: `${PG_URL:postgres://localhost}`."},
      {"E1007", "Malformed substitution",
       "What stands behind `${` is none of `${NAME}`, `${NAME:default}`, `${NAME:?message}` and "
       "`${file:path}`.",
       "path: ${my file}", "Correct it, or write `$${` for a literal `${`."},
      {"E1008", "Secret file not readable",
       "The file of `${file:path}` is missing, no regular file, larger than 64 KiB, or may not be "
       "read. Relative paths begin at the project folder.",
       "password: ${file:secrets/pg}", "Create the file, or correct the path or its permissions."},
      {"E1009", "Key is not a text", "A key of a map is empty, a list or a map.", "? [a, b]\n: 1",
       "Write the key as a text; quote it if it looks like `null` or `~`."},
      {"E1010", "Not a text file", "The file has control characters or is not valid UTF-8.", "",
       "Save it as UTF-8. `file name.yaml` tells what it is."},
      {"E1011", "Second document", "The file has more than one YAML document.",
       "pipeline: a\n---\npipeline: b",
       "One file holds one pipeline: move the second one to a file of its own."},
      {"E1012", "File not found or not readable",
       "A project, pipeline or settings file cannot be read.", "",
       "Check the path; relative ones begin at the working directory."},
      {"E1013", "Alias of itself", "An alias (`*name`) stands inside of what it names.",
       "steps: &all [ *all ]", "Remove the alias."},
      {"E1014", "Tag not supported", "The value has a YAML tag (`!!binary`, `!local`).",
       "path: !!binary aGVsbG8=", "Remove the tag: types are known from the option."},
      {"E1015", "Malformed --set", "The text behind `--set` is not `path=value`.", "",
       "Write `--set source.file.path=data.csv`. A key with a dot in it stands in double quotes: "
       "`--set 'columns.\"PM2.5\".unit=ug'`; an item of a list is `steps[0]`."},
  };
}

std::vector<ErrorCode> OptionCodes() {
  return {
      {"E1201", "Option missing", "An option that has no default is not there.",
       "source:\n  file: {}", "Add it: `file: {path: data.csv}`."},
      {"E1202", "Not one component",
       "Where a source, codec, step or sink is chosen, a name or a map of exactly one key must "
       "stand.",
       "steps:\n  - select: a > 1\n    derive: {b: a * 2}",
       "Put each into an item of its own:\n\n    steps:\n      - select: a > 1\n      - derive: "
       "{b: "
       "a * 2}"},
      {"E1203", "Unknown option",
       "The option does not exist there. Unknown options are refused, so that a slip of the pen "
       "is not a setting that silently does nothing.",
       "source:\n  file:\n    pth: data.csv",
       "Take the name that is proposed, or look the options up: `catchwater doc source file`."},
      {"E1204", "Wrong type", "The value is not of the option's type.",
       "lake:\n  compact:\n    min_files: many",
       "Write a value of the type that the message names. Numbers and `true` or `false` stand "
       "without quotes; lists are `[a, b]`."},
      {"E1205", "Value missing", "The option is there, but nothing stands behind it.",
       "codec:\npipeline: a", "Write a value, or remove the option to have its default."},
      {"E1206", "Secret in the file",
       "A password or token stands in the file as it is. Everybody who can read the file or its "
       "history can read it. This is a warning.",
       "password: hunter2", "Write `${NAME}` and set the variable, or `${file:secrets/name}`."},
      {"E1207", "Not one of the words", "The option allows a few words only.",
       "columns:\n  ts: time", "Take one of the words that the message lists."},
      {"E1208", "Not a duration", "A duration is a positive whole number and a unit.", "every: 10",
       "Write `250ms`, `10s`, `5m`, `2h` or `1d`."},
      {"E1209", "Not a byte size", "A byte size is a whole number and perhaps a unit.",
       "bytes: 128 megs", "Write `128MiB` (1024-based), `1GB` (1000-based) or a number of bytes."},
      {"E1210", "Bad name",
       "Names of pipelines and streams appear in paths, tables and metrics, so they are plain.",
       "pipeline: my sensors!", "Use a letter, then letters, digits, `_` or `-`, at most 63."},
      {"E1211", "Bad table name", "A table is `namespace.name`, both in lower case.",
       "table: Readings", "Write for example `sensors.readings`."},
      {"E1212", "Malformed expression",
       "A partition, sort order or aggregate is not in its form. They are short lists of "
       "functions, not SQL.",
       "partition: [day(ts, id)]",
       "Partitions: `column`, `year(c)`, `month(c)`, `day(c)`, `hour(c)`, `bucket(16, c)`, "
       "`truncate(8, c)`. Sort: `column`, `column desc`. Aggregates: `count()`, `sum(c)`, "
       "`mean(c)`, `quantile(0.95, c)`, ... A name with special characters stands in double "
       "quotes."},
      {"E1213", "Not a time format or zone",
       "A column's `format` or `zone` does not exist, or its pattern gives no date.",
       "columns:\n  ts: {type: timestamp, format: unix}",
       "Formats: `iso`, `epoch_s`, `epoch_ms`, `epoch_us`, or a pattern such as "
       "`%d.%m.%Y %H:%M:%S`. Zones: IANA names such as `Europe/Paris`."},
  };
}

std::vector<ErrorCode> ReferenceCodes() {
  return {
      {"E1301", "Unknown component", "There is no source, codec, step or sink of this name.",
       "codec: cvs", "Take the name that is proposed; `catchwater doc` lists all of them."},
      {"E1302", "Unknown column",
       "A step, its SQL, a partition, sort order, key or aggregate names a column that is neither "
       "declared under `columns` nor added by a step before it.",
       "columns: {ts: timestamp}\nlake: {table: a.b, partition: [day(time)]}",
       "Correct the name, declare the column, or move the step that adds it before its use."},
      {"E1303", "Event time missing",
       "Retention and windows of time need to know when each row happened.",
       "columns: {ts: timestamp}\nlake: {table: a.b, retain: 30d}",
       "Mark the column: `ts: {type: timestamp, event_time: true}`."},
      {"E1304", "Mark given twice", "Only one column may be the event time, and one the entity.",
       "columns:\n  a: {type: timestamp, event_time: true}\n  b: {type: timestamp, event_time: "
       "true}",
       "Remove one of the marks."},
      {"E1305", "Table with two writers",
       "Two pipelines or streams write the same table. Each table belongs to one.", "",
       "Give one of them another table, and join them in SQL."},
      {"E1306", "Pipeline name given twice", "Two pipeline files have the same name.", "",
       "Rename one of them. Positions in the ledger belong to the name."},
      {"E1307", "No destination", "The pipeline has no lake, no streams and no sinks.",
       "pipeline: a\nsource: {file: a.csv}\ncolumns: {x: int64}",
       "Add `lake: {table: namespace.name}` or `sinks: [{console: {}}]`."},
      {"E1308", "No pipelines", "The project's folder `pipelines` is missing or has no `*.yaml`.",
       "", "Write one, or let `catchwater init` make a project."},
      {"E1309", "Column of a wrong type",
       "The function cannot be applied to a column of this type: `sum` and `mean` need numbers, "
       "`day` needs a timestamp or date.",
       "columns: {site: string}\n...\ncompute: {total: sum(site)}",
       "Use another column, or declare the right type."},
      {"E1310", "Nothing there to set", "The path of `--set` leads nowhere.", "",
       "With one pipeline the path is that of its file (`lake.flush.every`); with several it "
       "begins with the pipeline's name (`sensors.lake.flush.every`)."},
      {"E1311", "Given twice", "Two columns of a result, or two partitions, are the same.",
       "key: [site]\ncompute: {site: count()}", "Rename or remove one of them."},
      {"E1312", "Component cannot be made",
       "The options are well formed, but the component cannot work with them: a lookup file that "
       "is "
       "missing, a pattern that is none, a column of a type it cannot use.",
       "steps:\n  - validate: {site: {regex: '['}}",
       "The message says what the component refused."},
      {"E1313", "SQL expression is wrong",
       "The condition of a `select` or the value of a `derive` cannot be computed over the columns "
       "that reach the step. Expressions are DuckDB's SQL over one row.",
       "steps:\n  - select: temperature IS NOT",
       "Correct the text at the caret; the note has DuckDB's own words. Texts are compared and "
       "computed with after a `CAST(x AS DOUBLE)`."},
  };
}

std::vector<ErrorCode> BoundsCodes() {
  return {
      {"E1401", "Out of bounds", "The value is smaller or greater than the option allows.",
       "compact: {min_files: 1}", "Take a value within the bounds that the message names."},
      {"E1402", "Too few or too many items",
       "A list or map does not have the allowed number of items.", "range: [1, 2, 3]",
       "Add or remove items."},
      {"E1403", "Number too large", "The whole number does not fit in the option's bits.",
       "min_files: 99999999999", "Take a smaller number."},
      {"E1404", "Not a finite number", "The number is infinite, not a number, or too large.",
       "range: [0, inf]", "Write a finite number, or leave the option out."},
      {"E1405", "Options contradict each other",
       "Each option is right for itself, but not together with the others.",
       "columns:\n  state: {type: enum}", "The message says which ones and what is needed."},
  };
}

}  // namespace

std::vector<ErrorCode> ConfigErrorCodes() {
  std::vector<ErrorCode> codes = YamlCodes();
  for (auto* group : {OptionCodes, ReferenceCodes, BoundsCodes}) {
    for (ErrorCode& code : group()) codes.push_back(std::move(code));
  }
  return codes;
}

}  // namespace catchwater
