/// \file
/// The four feeds of a made-up shop: transactions, web logs, social posts, ad campaigns. Event
/// times go up along the feed, with more in the evening than at night.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "catchwater/source/simulate/slot_model.h"

namespace catchwater {

enum class ShopFeed { kTransactions, kWebLogs, kSocialData, kAdCampaigns };

struct ShopFeedOptions {
  ShopFeed feed = ShopFeed::kTransactions;
  int64_t slot_count = 0;  ///< Records; 0: without end.
  int64_t from_us = 0;
  int64_t cadence_us = 60'000'000;  ///< Mean time between two records.
  uint64_t seed = 1;
  bool is_realtime = false;  ///< Event times are TimeOfSlot(), evenly spread.
  bool is_csv = false;       ///< Else NDJSON.
};

/// One record a slot. Fields:
/// transactions: ClientID, ClientName, TransactionDate, Product, Amount, PaymentMethod;
/// web logs: IP_Address, URL, Status_Code, Timestamp;
/// social posts: user, message, post_date, likes, retweets;
/// ad campaigns: campaign_id, start_date, end_date, budget, clicks, impressions, ctr.
class ShopModel final : public SlotModel {
 public:
  explicit ShopModel(const ShopFeedOptions& options);

  int64_t slot_count() const override { return slot_count_; }
  int64_t slots_per_tick() const override { return 1; }
  int64_t TimeOfSlot(int64_t slot) const override;
  void AppendSlot(int64_t slot, uint64_t ordinal_min, ReadBuffer& buffer,
                  std::vector<Record>& records) override;
  std::string_view csv_header() const override { return csv_header_; }

 private:
  const ShopFeedOptions options_;
  const int64_t slot_count_;
  std::string csv_header_;
  std::string text_;  // Of the record at hand.
};

}  // namespace catchwater
