#include "catchwater/cli/failed_inputs.h"

#include <utility>

#include "catchwater/base/error.h"
#include "catchwater/io/store_path.h"

namespace catchwater {
namespace {

/// False once the file was removed, or replaced by one that has a row of its own: then somebody
/// has dealt with it.
arrow::Result<bool> IsStillThere(Ledger& ledger, Files& files, const std::string& project_folder,
                                 const InputFileRecord& input) {
  // As it stands in the pipeline: relative to the project, wherever the program was started.
  const auto entry = files.Stat(ResolvePath(project_folder, input.path));
  if (!entry.ok()) return KindOf(entry.status()) != ErrorKind::kNotFound;
  WorkQuery query;
  query.pipeline = input.pipeline;
  query.path_contains = input.path;
  ARROW_ASSIGN_OR_RAISE(const auto namesakes, ledger.Inputs(query));
  for (const InputFileRecord& other : namesakes) {
    if (other.path == input.path && other.partition_id > input.partition_id) return false;
  }
  return true;
}

/// The reason without the path at its end, which stands before it.
std::string ReasonWithoutPath(const InputFileRecord& file) {
  std::string reason = file.reason;
  if (!reason.ends_with(file.path)) return reason;
  reason.resize(reason.size() - file.path.size());
  for (const std::string_view lead : {", file: ", " and path: ", ": ", " "}) {
    if (!reason.ends_with(lead)) continue;
    reason.resize(reason.size() - lead.size());
    break;
  }
  return reason.empty() ? file.reason : reason;
}

}  // namespace

arrow::Result<std::vector<FailedInputs>> FindFailedInputs(
    Ledger& ledger, Files& files, const std::string& project_folder,
    const std::vector<std::string>& pipelines) {
  std::vector<FailedInputs> all;
  for (const std::string& pipeline : pipelines) {
    FailedInputs found{.pipeline = pipeline};
    for (const WorkState state : {WorkState::kFailed, WorkState::kToProcess}) {
      WorkQuery query;
      query.pipeline = pipeline;
      query.state = state;
      query.limit = kFailedInputsReadMax;
      ARROW_ASSIGN_OR_RAISE(auto inputs, ledger.Inputs(query));
      for (InputFileRecord& input : inputs) {
        // One that waits without a reason was not tried yet: `take` lets it wait for others.
        const bool was_tried =
            !input.reason.empty() && !input.reason.starts_with(kGrownInputReason);
        if (state == WorkState::kToProcess && !was_tried) continue;
        ARROW_ASSIGN_OR_RAISE(const bool is_there,
                              IsStillThere(ledger, files, project_folder, input));
        if (!is_there) continue;
        ++found.file_count;
        if (found.file_count <= kFailedInputsShownMax) found.shown.push_back(std::move(input));
      }
    }
    if (found.file_count > 0) all.push_back(std::move(found));
  }
  return all;
}

arrow::Result<int64_t> CountSettledInputs(Ledger& ledger, Files& files,
                                          const std::string& project_folder,
                                          const std::string& pipeline) {
  WorkQuery query;
  query.pipeline = pipeline;
  query.state = WorkState::kFailed;
  query.limit = kFailedInputsReadMax;
  ARROW_ASSIGN_OR_RAISE(const auto failed, ledger.Inputs(query));
  int64_t settled = 0;
  for (const InputFileRecord& input : failed) {
    ARROW_ASSIGN_OR_RAISE(const bool is_there, IsStillThere(ledger, files, project_folder, input));
    settled += is_there ? 0 : 1;
  }
  return settled;
}

void PrintFailedInputs(std::ostream& out, const std::vector<FailedInputs>& failed) {
  for (const FailedInputs& inputs : failed) {
    out << "warning: " << inputs.file_count << " input files of pipeline " << inputs.pipeline
        << " failed\n";
    for (const InputFileRecord& file : inputs.shown) {
      out << "  " << file.path << ": " << ReasonWithoutPath(file) << "\n";
    }
    const int64_t hidden = inputs.file_count - static_cast<int64_t>(inputs.shown.size());
    if (hidden > 0) out << "  and " << hidden << " more\n";
    out << "  = help: `catchwater ledger list --state failed` lists them, "
           "`catchwater ledger retry` takes them again\n";
  }
}

arrow::Status StatusOf(const std::vector<FailedInputs>& failed) {
  if (failed.empty()) return arrow::Status::OK();
  int64_t file_count = 0;
  for (const FailedInputs& inputs : failed) file_count += inputs.file_count;
  const FailedInputs& first = failed.front();
  return BadData("Input files were not taken, number, pipeline and first file: ", file_count, " ",
                 first.pipeline, " ", first.shown.empty() ? "" : first.shown.front().path);
}

}  // namespace catchwater
