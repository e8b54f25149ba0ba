#include "catchwater/pipeline/intake.h"

#include <utility>

#include <nlohmann/json.hpp>

#include "catchwater/base/error.h"
#include "catchwater/base/fail_point.h"
#include "catchwater/pipeline/partition_leases.h"

namespace catchwater {

Intake::Intake(IntakeOptions options, Source& source, Ledger* ledger, const Clock& clock,
               PartitionBook& book)
    : options_(std::move(options)), source_(source), ledger_(ledger), clock_(clock), book_(book) {}

arrow::Status Intake::Discover() {
  ARROW_ASSIGN_OR_RAISE(const auto offers, source_.Discover());
  // All of them first: registering one may need to look at any other.
  offers_.clear();
  for (const Offer& offer : offers) offers_.insert_or_assign(offer.name, offer);
  if (ledger_ == nullptr) return arrow::Status::OK();
  for (const Offer& offer : offers) {
    if (offer.file) ARROW_RETURN_NOT_OK(RegisterFile(offer));
  }
  return arrow::Status::OK();
}

arrow::Status Intake::RegisterFile(const Offer& offer) {
  const InputFileFacts& file = *offer.file;
  auto seen = std::make_tuple(file.path, file.byte_count, file.modified_us, file.inode);
  if (registered_.contains(seen)) return arrow::Status::OK();

  InputFound found{.key = {.pipeline = options_.pipeline,
                           .source = options_.source,
                           .name = offer.name,
                           .incarnation = ""},
                   .path = file.path,
                   .byte_count = file.byte_count,
                   .head_hash = file.head_hash,
                   .created_us = file.modified_us,
                   .is_growing = !offer.is_bounded};
  ARROW_ASSIGN_OR_RAISE(InputRegistered registered, ledger_->RegisterInput(found));
  if (registered.result == InputRegistered::Result::kNeedsFullHash) {
    ARROW_RETURN_NOT_OK(HashOthers(registered, file));
    ARROW_ASSIGN_OR_RAISE(found.full_hash, source_.FullHash(offer));
    ARROW_ASSIGN_OR_RAISE(registered, ledger_->RegisterInput(found));
  }
  if (registered.result == InputRegistered::Result::kMayContinue) {
    Offer beginning = offer;
    beginning.file->byte_count = registered.shorter.byte_count;
    ARROW_ASSIGN_OR_RAISE(const std::string hash, source_.FullHash(beginning));
    const bool begins_with_it = hash == registered.shorter.full_hash;
    found.continues = 0;
    if (begins_with_it && registered.shorter.is_done) {
      NoteGrown(file, registered.shorter.byte_count, &found);
    } else if (begins_with_it) {
      found.continues = registered.shorter.partition_id;
    }
    ARROW_ASSIGN_OR_RAISE(registered, ledger_->RegisterInput(found));
  }
  ARROW_RETURN_NOT_OK(Reach(FailPoint::kInputDiscovered));
  seen_as_[registered.partition_id] = offer.name;
  registered_.insert(std::move(seen));
  return arrow::Status::OK();
}

// Its first rows come a second time: what the user most likely wants is `follow`.
void Intake::NoteGrown(const InputFileFacts& file, int64_t read_bytes, InputFound* found) {
  found->reason = std::string(kGrownInputReason) +
                  " and is taken whole, so those rows come twice; `follow: true` takes only what "
                  "was appended. Bytes before and now: " +
                  std::to_string(read_bytes) + ", " + std::to_string(file.byte_count);
  if (options_.telemetry == nullptr) return;
  options_.telemetry->log.Warning(
      "input.grown",
      {{"pipeline", options_.pipeline}, {"path", file.path}, {"reason", found->reason}});
}

arrow::Status Intake::HashOthers(const InputRegistered& registered, const InputFileFacts& alike) {
  for (const auto& [partition_id, path] : registered.hash_first) {
    const auto other = offers_.find(path);
    // Gone, or another content under its name: an empty hash says that it cannot be compared.
    std::string hash;
    if (other != offers_.end() && other->second.file &&
        other->second.file->byte_count == alike.byte_count &&
        other->second.file->head_hash == alike.head_hash) {
      ARROW_ASSIGN_OR_RAISE(hash, source_.FullHash(other->second));
    }
    ARROW_RETURN_NOT_OK(ledger_->SetInputFullHash(partition_id, hash));
  }
  return arrow::Status::OK();
}

arrow::Status Intake::OpenAt(int64_t partition_id, const Offer& offer, const Position& at,
                             std::optional<Fence> fence) {
  ARROW_RETURN_NOT_OK(source_.Open(offer, partition_id, at));
  book_.Open(partition_id, offer, at, std::move(fence));
  if (ledger_ != nullptr) book_.Describe(CopyOf(partition_id, offer));
  return Reach(FailPoint::kRecoveryPartitionOpened);
}

PartitionCopy Intake::CopyOf(int64_t partition_id, const Offer& offer) const {
  PartitionCopy copy{.id = partition_id,
                     .key = {.pipeline = options_.pipeline,
                             .source = options_.source,
                             .name = offer.name,
                             .incarnation = offer.incarnation},
                     .file = {}};
  if (!offer.file) return copy;
  copy.file = PartitionCopy::File{.path = offer.file->path,
                                  .byte_count = offer.file->byte_count,
                                  .head_hash = offer.file->head_hash,
                                  .full_hash = "",
                                  .created_us = offer.file->modified_us,
                                  .is_growing = !offer.is_bounded};
  return copy;
}

arrow::Result<int64_t> Intake::OpenWhatMayBeRead() {
  int64_t opened = 0;
  ARROW_RETURN_NOT_OK(NoteFinished());
  is_waiting_ = false;
  for (const auto& [name, offer] : offers_) {
    const bool is_managed = offer.file.has_value() && ledger_ != nullptr;
    if (is_managed || opened_unmanaged_.contains(name)) continue;
    if (finished_.contains({name, offer.incarnation})) continue;
    ARROW_ASSIGN_OR_RAISE(const int64_t count, OpenUnmanaged(offer));
    opened += count;
  }
  if (ledger_ == nullptr || book_.open_count() >= options_.open_inputs_max) return opened;
  ARROW_ASSIGN_OR_RAISE(const int64_t claimed, ClaimAndOpenInputs());
  return opened + claimed;
}

arrow::Result<int64_t> Intake::OpenUnmanaged(const Offer& offer) {
  Position at;
  int64_t partition_id = next_local_id_;
  std::optional<Fence> fence;
  if (ledger_ == nullptr) {
    ++next_local_id_;
  } else {
    // The lease first: only who holds it may believe the position.
    if (options_.leases != nullptr) {
      ARROW_ASSIGN_OR_RAISE(fence, options_.leases->Acquire(offer.name));
      if (!fence) {
        is_waiting_ = true;
        return 0;
      }
    }
    const bool is_anew = NoteIncarnation(offer);
    ARROW_ASSIGN_OR_RAISE(partition_id, ledger_->OpenPartition({.pipeline = options_.pipeline,
                                                                .source = options_.source,
                                                                .name = offer.name,
                                                                .incarnation = offer.incarnation}));
    ARROW_ASSIGN_OR_RAISE(at, ledger_->GetPosition(partition_id, options_.consumer));
    if (is_anew && at.ordinal == 0 && at.token.empty()) at.token = kNewIncarnation;
  }
  ARROW_RETURN_NOT_OK(OpenAt(partition_id, offer, at, std::move(fence)));
  opened_unmanaged_.insert(offer.name);
  return 1;
}

bool Intake::NoteIncarnation(const Offer& offer) {
  std::string& known = incarnations_[offer.name];
  const bool is_anew = !known.empty() && known != offer.incarnation;
  if (is_anew) {
    events_.push_back(
        {.kind = "incarnation",
         .object = options_.pipeline,
         .body_json =
             nlohmann::json{{"partition", offer.name}, {"from", known}, {"to", offer.incarnation}}
                 .dump()});
  }
  known = offer.incarnation;
  return is_anew;
}

arrow::Status Intake::Revoked(const PartitionsRevoked& revoked) {
  for (const int64_t partition_id : revoked.partition_ids) {
    if (!book_.is_open(partition_id)) continue;
    const std::string name = book_.offer(partition_id).name;
    book_.Forget(partition_id);
    opened_unmanaged_.erase(name);
    offers_.erase(name);
    if (options_.leases != nullptr) ARROW_RETURN_NOT_OK(options_.leases->Release(name));
  }
  return arrow::Status::OK();
}

arrow::Status Intake::NoteFinished() {
  if (ledger_ == nullptr || is_finished_noted_) return arrow::Status::OK();
  ARROW_ASSIGN_OR_RAISE(const auto partitions, ledger_->Partitions(options_.pipeline));
  for (const PartitionRecord& partition : partitions) {
    if (partition.key.source != options_.source) continue;
    incarnations_[partition.key.name] = partition.key.incarnation;  // Ids ascend: the newest.
    if (partition.state != "finished") continue;
    finished_.insert({partition.key.name, partition.key.incarnation});
  }
  is_finished_noted_ = true;
  return arrow::Status::OK();
}

arrow::Result<bool> Intake::MayTakeInputs() {
  const TakePolicy policy = source_.take_policy();
  if (policy.min_files <= 1) return true;
  WorkQuery pending;
  pending.pipeline = options_.pipeline;
  pending.state = WorkState::kToProcess;
  ARROW_ASSIGN_OR_RAISE(const auto inputs, ledger_->Inputs(pending));
  if (static_cast<int64_t>(inputs.size()) >= policy.min_files) return true;
  const int64_t age_us_max = policy.max_age_ms * 1000;
  for (const InputFileRecord& input : inputs) {
    if (clock_.NowMicros() - input.created_us >= age_us_max) return true;
  }
  return false;
}

arrow::Result<int64_t> Intake::ClaimAndOpenInputs() {
  ARROW_ASSIGN_OR_RAISE(const bool may_take, MayTakeInputs());
  if (!may_take) return 0;
  ARROW_ASSIGN_OR_RAISE(const auto inputs,
                        ledger_->ClaimInputs(options_.pipeline, options_.source, options_.fence,
                                             options_.open_inputs_max - book_.open_count()));
  int64_t opened = 0;
  for (const InputFileRecord& input : inputs) {
    ARROW_RETURN_NOT_OK(Reach(FailPoint::kInputClaimed));
    const Offer* offer = FindOffer(input);
    if (offer == nullptr) {
      // Under its name is nothing, or another content by now, which has a row of its own.
      const bool is_gone = !offers_.contains(input.name);
      const std::string what = is_gone ? "File is gone: " : "File was replaced: ";
      ARROW_RETURN_NOT_OK(ledger_->FailInput(input.partition_id, options_.fence, what + input.path,
                                             /*is_retryable=*/is_gone));
      continue;
    }
    ARROW_ASSIGN_OR_RAISE(const Position at,
                          ledger_->GetPosition(input.partition_id, options_.consumer));
    ARROW_RETURN_NOT_OK(OpenAt(input.partition_id, *offer, at));
    ++opened;
  }
  return opened;
}

const Offer* Intake::FindOffer(const InputFileRecord& input) const {
  const auto seen = seen_as_.find(input.partition_id);
  for (const std::string& name : {input.name, seen == seen_as_.end() ? "" : seen->second}) {
    const auto found = offers_.find(name);
    if (found == offers_.end()) continue;
    const Offer& offer = found->second;
    if (!offer.file) return &offer;
    const bool has_its_size = !offer.is_bounded || offer.file->byte_count == input.byte_count;
    if (has_its_size && offer.file->head_hash == input.head_hash) return &offer;
  }
  return nullptr;
}

arrow::Status Intake::Ended(int64_t partition_id) {
  const Offer offer = book_.offer(partition_id);
  book_.Finish(partition_id);
  if (ledger_ == nullptr || !offer.file) return arrow::Status::OK();
  ARROW_ASSIGN_OR_RAISE(const std::string hash, source_.FullHash(offer));
  book_.SetFullHash(partition_id, hash);
  return ledger_->SetInputFullHash(partition_id, hash);
}

arrow::Status Intake::Failed(const PartitionFailed& failure) {
  const Offer offer = book_.offer(failure.partition_id);
  book_.Forget(failure.partition_id);
  if (ledger_ == nullptr || !offer.file) return BadData(failure.reason);
  if (!failure.is_retryable) {
    // If it was cut off, the whole file may come yet: it begins with these bytes.
    const auto hash = source_.FullHash(offer);
    if (hash.ok()) ARROW_RETURN_NOT_OK(ledger_->SetInputFullHash(failure.partition_id, *hash));
  }
  return ledger_->FailInput(failure.partition_id, options_.fence, failure.reason,
                            failure.is_retryable);
}

}  // namespace catchwater
