#include "catchwater/cli/help.h"

namespace catchwater {
namespace {

struct VerbExamples {
  std::string_view verb;  ///< Empty: the program.
  std::string_view lines;
};

constexpr VerbExamples kExamples[] = {
    {"catchwater",
     "  catchwater init files my-project         a project that runs\n"
     "  catchwater run my-project --until-idle   take what is there, then end\n"
     "  catchwater query --project my-project \"SELECT count(*) FROM files.readings\"\n"
     "  catchwater verify my-project             prove that nothing was lost or doubled\n"},
    {"init",
     "  catchwater init                          list the templates\n"
     "  catchwater init files my-project         CSV files into a table\n"},
    {"validate",
     "  catchwater validate my-project\n"
     "  catchwater validate my-project/pipelines/readings.yaml\n"},
    {"run",
     "  catchwater run                           run until stopped\n"
     "  catchwater run --until-idle              take what is there, then end\n"
     "  catchwater run --preview 10              show what would happen\n"
     "  catchwater run --set source.file.path=in.csv --until-idle\n"},
    {"status",
     "  catchwater status\n"
     "  catchwater status --json\n"},
    {"query",
     "  catchwater query \"SELECT count(*) FROM files.readings\"\n"
     "  catchwater query \"FROM files.readings\" --format parquet --output readings.parquet\n"
     "  catchwater query \"SELECT count(*) FROM files.readings\" --at 2026-01-05T12:00:00Z\n"},
    {"tables",
     "  catchwater tables\n"
     "  catchwater tables --snapshots            what `query --at` can go to\n"},
    {"app",
     "  catchwater app list\n"
     "  catchwater app disable ten_minutes       others run on\n"
     "  catchwater app status ten_minutes --json\n"},
    {"crawl",
     "  catchwater crawl /data/exports\n"
     "  catchwater crawl s3://bucket/exports --namespace exports\n"
     "  catchwater crawl /data/plans --objects\n"},
    {"ledger",
     "  catchwater ledger list --state failed\n"
     "  catchwater ledger retry\n"
     "  catchwater ledger rebuild\n"},
    {"dlq",
     "  catchwater dlq list\n"
     "  catchwater dlq show 7:1024:0\n"
     "  catchwater dlq replay --where \"rule = 'validate.range'\" --dry-run\n"
     "  catchwater dlq discard --where \"rule = 'csv.type'\"   an accepted loss\n"},
    {"ledger list",
     "  catchwater ledger list --state failed\n"
     "  catchwater ledger list my-project --data-files --table files.readings\n"},
    {"ledger retry",
     "  catchwater ledger retry\n"
     "  catchwater ledger retry my-project --path cellar\n"},
    {"ledger rebuild", "  catchwater ledger rebuild my-project\n"},
    {"dlq list",
     "  catchwater dlq list                      what is open, by rule\n"
     "  catchwater dlq list my-project --state all\n"},
    {"dlq show", "  catchwater dlq show 7:1024:0 --project my-project\n"},
    {"dlq replay",
     "  catchwater dlq replay --dry-run\n"
     "  catchwater dlq replay --where \"rule = 'validate.range'\"\n"},
    {"dlq discard",
     "  catchwater dlq discard --where \"field = 'ts'\" --dry-run\n"
     "  catchwater dlq discard my-project --where \"rule = 'csv.type'\"\n"},
    {"app list", "  catchwater app list --project my-project\n"},
    {"app status", "  catchwater app status ten_minutes --json\n"},
    {"app enable", "  catchwater app enable ten_minutes --project my-project\n"},
    {"app disable", "  catchwater app disable ten_minutes --project my-project\n"},
    {"verify",
     "  catchwater verify\n"
     "  catchwater verify --deep --json\n"},
    {"simulate",
     "  catchwater simulate --sensors 58 --rows 1000 --format csv --output sensors.csv\n"},
    {"schema", "  catchwater schema > pipeline.schema.json\n"},
    {"doc",
     "  catchwater doc                           list the pages\n"
     "  catchwater doc E1203\n"
     "  catchwater doc source file\n"},
    {"version", "  catchwater version --json\n"},
    {"completion", "  catchwater completion bash > /etc/bash_completion.d/catchwater\n"},
};

}  // namespace

std::string_view ExamplesOf(std::string_view verb) {
  for (const VerbExamples& examples : kExamples) {
    if (examples.verb == verb) return examples.lines;
  }
  return "";
}

}  // namespace catchwater
