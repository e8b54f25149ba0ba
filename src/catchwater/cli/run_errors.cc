#include "catchwater/cli/run_errors.h"

#include <utility>

#include "catchwater/base/error.h"
#include "catchwater/io/files.h"

namespace catchwater {
namespace {

/// Messages begin with static text (base/error.h); with context before it, it stands inside.
struct Signature {
  std::string_view text;
  std::string_view code;
};

constexpr Signature kSignatures[] = {
    {"Ledger is locked by another program", "E2001"},
    {"Ledger is damaged", "E2002"},
    {"Ledger has a newer format", "E2003"},
    {"Column of the table cannot become", "E2005"},
    {"There is no data yet", "E2006"},
    {"Another replay of the pipeline", "E2007"},
    {"Replay was refused", "E2007"},
    {"Discard was refused", "E2007"},
    {"DuckDB extension is not there", "E2008"},
    {"Commit was refused", "E2010"},
    {"File exists and is not overwritten", "E2012"},
    {"Input files were not taken", "E2013"},
    {"Data folder was made at another place", "E2014"},
    {"There is no table ", "E2030"},
    {"There is no column ", "E2030"},
    {"Tables cannot be changed by SQL", "E2031"},
    {"SQL may not write files", "E2031"},
    {"SQL is not valid", "E2032"},
    {"--where is not valid", "E2032"},
    {"SQL cannot be run", "E2032"},
    {"--where cannot be run", "E2032"},
    {"SQL text has no statement", "E2032"},
    {"SQL has several statements", "E2032"},
    {"Conversion Error: ", "E2032"},
    {"Invalid Input Error: ", "E2032"},
    {"Out of Range Error: ", "E2032"},
    {"IO Error: Cannot open file", "E2033"},
    {"Time of --at cannot be read", "E2034"},
    {"Folder of the project's own tables", "E2040"},
    {"Folders are deeper than", "E2040"},
    {"Two folders give one name of a table", "E2042"},
    {"Folder has files that are in a table of another crawl", "E2042"},
    {"Table is of a crawl of another folder", "E2042"},
    {"Table exists and is not of a crawl", "E2042"},
    {"Another crawl is running", "E2043"},
    {"No pipeline of the project has a `lake`", "E2015"},
    {"No program runs on this data folder", "E2016"},
};

}  // namespace

std::vector<ErrorCode> RunErrorCodes() {
  return {
      {"E2001", "Ledger is locked",
       "Another program has kept the ledger's database locked for longer than 10 s. Catchwater's "
       "own processes hold it for milliseconds.",
       "", "Find the program (`fuser .catchwater/ledger.sqlite`) and let it end its transaction."},
      {"E2002", "Ledger is damaged",
       "The ledger's database cannot be read. The tables are whole: they are plain Iceberg files.",
       "", "`catchwater ledger rebuild`, then `catchwater verify`."},
      {"E2003", "Ledger is newer than this program",
       "A newer version of Catchwater has written the data folder.", "",
       "Use that version, or another data folder with `--data`."},
      {"E2004", "Disk is full",
       "What was being written was removed again, nothing that was committed is touched, and a "
       "running pipeline tries again by itself.",
       "", "Make room on the disk of the data folder."},
      {"E2005", "Table and pipeline do not fit",
       "The table has a column with a type that cannot become the declared one. Only int32 to "
       "int64, float32 to float64 and wider decimals can be changed in place.",
       "value: string     # the table has a double",
       "Declare the type that the table has (`catchwater tables`), give the column another name, "
       "or use another table."},
      {"E2006", "No data yet", "The data folder has no ledger: no pipeline has run here.", "",
       "`catchwater run`, or give the folder with `--project` and `--data`."},
      {"E2007", "Dead letters are being replayed elsewhere",
       "Another replay of the same pipeline is under way or was faster. Nothing was changed.", "",
       "Wait for it and run the replay again: what it took is not taken twice."},
      {"E2008", "Extension of DuckDB is missing",
       "SQL over tables needs the extensions avro, httpfs and iceberg as files. Nothing is ever "
       "loaded from the network.",
       "", "`make setup`, or set CATCHWATER_EXTENSIONS to their folder."},
      {"E2009", "Not allowed", "The operating system refuses access to a file or folder.", "",
       "Check owner and mode of the path in the message."},
      {"E2010", "Commit was refused",
       "Another writer was faster: it has moved the position or holds the lease. Nothing of this "
       "commit is visible; the pipeline begins again at the ledger's positions.",
       "", "Nothing, if it happens now and then. Else look who holds the lease."},
      {"E2011", "Not there",
       "What was named does not exist: a file or folder, a table or snapshot, a dead letter, a "
       "stream app, a page of the reference.",
       "",
       "Check the name in the message, which lists those that there are where it can; relative "
       "paths begin at the project folder."},
      {"E2012", "File exists", "`init` does not overwrite files.", "", "Choose another folder."},
      {"E2013", "Input files failed",
       "`run --until-idle` has taken all it could, but the ledger holds input files that failed: "
       "they cannot be read, or failed three times. Nothing of the others is lost.",
       "",
       "`catchwater ledger list --state failed` says why. Mend or replace the files, then "
       "`catchwater ledger retry`."},
      {"E2014", "Data folder was copied or moved",
       "The ledger and the tables' metadata name files by their full paths, as Iceberg wants it. A "
       "program in a copy would write into the tables of the original, one in a moved folder would "
       "not find them. The folder's file `home` says where it was made, and before there is one "
       "the places of the tables do; a symbolic link or a mount that leads to the same folder is "
       "the same place.",
       "",
       "Of a copy: remove its data folder and run, which begins anew, or give the original's with "
       "`--data`. Of a moved one: move it back, or put a symbolic link where it was."},
      {"E2015", "Nothing is kept",
       "No pipeline of the project has a `lake`: what they read goes to their sinks and results, "
       "and "
       "there is no table, no ledger and no account that could be shown or verified.",
       "",
       "Add `lake: {table: namespace.name}` to a pipeline, or look at the output of `run`, which "
       "counts what it read."},
      {"E2016", "No program runs here",
       "The question goes to a running program, and none serves the data folder's control socket.",
       "", "Start `catchwater run`, or give the folder with `--project` and `--data`."},
      {"E2020", "Does not answer",
       "A server that a source or sink names cannot be reached. A running pipeline tries again by "
       "itself, with growing pauses; a sink catches up when its server is back.",
       "", "Look whether the server runs, and at host and port in the setting that is marked."},
      {"E2021", "Not let in", "The server refuses user, password or right.", "",
       "Correct them where the setting takes them from, e.g. `export PG_URL=...`, or give the user "
       "the right that the message names."},
      {"E2022", "Named, but not there",
       "The server answers, but does not have the database, schema, topic or table that is named.",
       "", "Create it, or correct the name."},
      {"E2023", "Does not fit",
       "The server answers, but what is there does not go with the settings: TLS on one side only, "
       "a column of another type, no unique index on the key. The message has the exact statement "
       "where there is one. A running sink is `blocked` until it was run; the lake and other sinks "
       "go on.",
       "", "Run the statement, or change the setting."},
      {"E2030", "Unknown table or column",
       "The SQL names a table or column that is not there. Tables are named `namespace.name`, with "
       "`__dead_letters` behind it for what a pipeline refused.",
       "SELECT count(*) FROM files.reading     # the table is files.readings",
       "Take a name of the list in the message, or of `catchwater tables`."},
      {"E2031", "Tables are read only for SQL",
       "`query` answers questions. INSERT, UPDATE, DELETE and DROP of a table are refused: rows "
       "come from pipelines, exactly once, and the account would not hold otherwise. So are COPY, "
       "EXPORT, ATTACH and PREPARE, which could write over the files of tables and the ledger.",
       "DELETE FROM files.readings",
       "Old rows go by `lake.retain`, refused ones by `catchwater dlq discard`. Results are "
       "written with `--format` and `--output`. Other programs may write through the catalog."},
      {"E2032", "SQL is wrong",
       "DuckDB, which runs the SQL, does not take it: the note has its own words, the caret the "
       "place. A condition of `--where` is shown by itself.",
       "SELEC count(*) FROM files.readings", "Correct the text at the caret."},
      {"E2033", "Data file is gone",
       "A file that the table's metadata names is not there: somebody removed it. A count of all "
       "rows is answered from metadata and does not notice; `catchwater verify` does, and names "
       "every file that is missing.",
       "", "`catchwater verify`, then bring the file back from a copy of the folder or bucket."},
      {"E2034", "Not a time",
       "`--at` takes any ISO 8601 form of a date, or of a date and a time. Without an offset it is "
       "UTC, a date alone its midnight.",
       "--at yesterday",
       "`--at 2026-01-31T12:30:05Z`; `catchwater tables --snapshots` lists times."},
      {"E2040", "Nothing to crawl there",
       "`crawl` takes a folder, or `s3://bucket/prefix`, of Parquet files: not one file, not the "
       "folder of the project's own tables, and no tree deeper than it looks into.",
       "catchwater crawl data/january.parquet", "`catchwater crawl data`."},
      {"E2042", "Table of a crawl cannot be made",
       "The name belongs to another crawl or another table, two folders give the same name, or a "
       "file would be in two tables. The tables of other folders were made.",
       "", "Another `--namespace`, or crawl the folder that the message names."},
      {"E2043", "Another crawl runs",
       "Two crawls of one project at a time could take a file twice.", "", "Wait for its end."},
  };
}

ErrorCodeTable AllErrorCodes() {
  ErrorCodeTable table = ErrorCodeTable::WithConfigCodes();
  for (ErrorCode& code : RunErrorCodes()) {
    const arrow::Status status = table.Add(std::move(code));
    CATCHWATER_CHECK(status.ok(), "the table of run-time codes is well formed");
  }
  return table;
}

std::string_view RunErrorCodeOf(const arrow::Status& status) {
  for (const Signature& signature : kSignatures) {
    if (status.message().find(signature.text) != std::string::npos) return signature.code;
  }
  if (IsDiskFull(status)) return "E2004";
  switch (KindOf(status)) {
    case ErrorKind::kDenied:
      return "E2009";
    case ErrorKind::kNotFound:
      return "E2011";
    default:
      return "";
  }
}

}  // namespace catchwater
