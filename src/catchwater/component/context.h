/// \file
/// What a component is given when it is made, beside its own configuration. All references outlive
/// the component.
#pragma once

#include <cstdint>
#include <functional>
#include <iosfwd>
#include <memory>
#include <string>
#include <vector>

#include <arrow/result.h>
#include <arrow/type.h>

#include "catchwater/base/bell.h"
#include "catchwater/base/clock.h"
#include "catchwater/batch/column.h"
#include "catchwater/component/codec.h"
#include "catchwater/component/table_reader.h"
#include "catchwater/io/files.h"

namespace catchwater {

class Registry;

struct SourceContext {
  Files& files;
  const Clock& clock;
  uint64_t random_seed = 0;      ///< For `Random`; a source may have a seed of its own.
  std::string project_folder{};  ///< Relative paths begin here.
  std::string pipeline{};
  std::string data_folder{};  ///< For what must outlive the process; empty: there is no lake.
  /// Of a group: a name that nobody else has while this process holds its lease; the next holder
  /// of the lease has it again. Empty where nothing is run (schemas, `validate`, previews).
  std::string member{};
  /// Makes the framer of the pipeline's codec; null where there is none (schemas, `validate`).
  std::function<arrow::Result<std::unique_ptr<Framer>>()> make_framer{};
  int64_t frame_bytes_max = 16 << 20;
  /// Borrowed: rung by a source that has something new while nobody calls Next; null: nobody waits.
  Bell* bell = nullptr;
};

struct StepContext {
  /// What comes in: the declared columns as changed by the steps before.
  std::shared_ptr<arrow::Schema> input_schema{};
  /// The declared columns of the pipeline (units, event time, entity), in order.
  std::vector<Column> columns{};
  std::string name{};  ///< "select[0]": for tallies and messages.
  Files& files;
  const Clock& clock;
  std::string project_folder{};
  TableReader* table_reader = nullptr;  ///< Null where there is no lake.
};

struct SinkContext {
  std::shared_ptr<arrow::Schema> schema{};  ///< Of the rows that will be written.
  std::vector<std::string> key{};           ///< Key columns of a stream's rows; empty: none.
  std::string pipeline{};
  std::string stream{};     ///< The stream whose results these are; empty: the pipeline's rows.
  std::string sink{};       ///< `pipeline/name`: whose delivered mark it is; empty: it has none.
  std::string table_key{};  ///< The lake's table that is delivered.
  /// A row may come by two ways: an id is made of what is in it, not of where it stands.
  bool comes_before_commit = false;
  Files& files;
  const Clock& clock;
  std::string project_folder{};
  const Registry& registry;  ///< For sinks that encode: registry.MakeCodec("csv").
  std::ostream& console;     ///< Standard output of the program.
  bool is_terminal = false;  ///< The console is a terminal.
};

}  // namespace catchwater
