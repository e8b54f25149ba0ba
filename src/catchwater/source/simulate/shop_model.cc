#include "catchwater/source/simulate/shop_model.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <numeric>
#include <span>

#include "catchwater/base/decimal.h"
#include "catchwater/base/error.h"
#include "catchwater/base/random.h"
#include "catchwater/base/timestamp.h"
#include "catchwater/source/simulate/seeded.h"

namespace catchwater {
namespace {

struct Field {
  std::string_view name;
  bool is_text = true;
};
constexpr std::array kTransactionFields{Field{"ClientID"},        Field{"ClientName"},
                                        Field{"TransactionDate"}, Field{"Product"},
                                        Field{"Amount", false},   Field{"PaymentMethod"}};
constexpr std::array kWebLogFields{Field{"IP_Address"}, Field{"URL"}, Field{"Status_Code", false},
                                   Field{"Timestamp"}};
constexpr std::array kSocialFields{Field{"user"}, Field{"message"}, Field{"post_date"},
                                   Field{"likes", false}, Field{"retweets", false}};
constexpr std::array kCampaignFields{
    Field{"campaign_id"},   Field{"start_date"},         Field{"end_date"},  Field{"budget", false},
    Field{"clicks", false}, Field{"impressions", false}, Field{"ctr", false}};

std::span<const Field> FieldsOf(ShopFeed feed) {
  switch (feed) {
    case ShopFeed::kTransactions:
      return kTransactionFields;
    case ShopFeed::kWebLogs:
      return kWebLogFields;
    case ShopFeed::kSocialData:
      return kSocialFields;
    case ShopFeed::kAdCampaigns:
      return kCampaignFields;
  }
  return {};
}

struct Choice {
  std::string_view text;
  int weight = 1;
};
struct Product {
  std::string_view name;
  int64_t cents = 0;
  int weight = 1;
};
constexpr std::array kProducts{
    Product{"Laptop", 89'900, 4},     Product{"Smartphone", 59'900, 8},
    Product{"Headphones", 7'990, 14}, Product{"Keyboard", 4'990, 12},
    Product{"Monitor", 22'900, 6},    Product{"Desk lamp", 3'450, 9},
    Product{"Backpack", 5'900, 10},   Product{"Coffee machine", 14'900, 5}};
constexpr std::array kPayments{Choice{"Credit Card", 48}, Choice{"PayPal", 27},
                               Choice{"Bank Transfer", 15}, Choice{"Gift Card", 10}};
constexpr std::array<std::string_view, 16> kFirstNames{
    "Ana",  "Björn", "Chen", "Dmitri", "Elif",  "Fatima", "Giulia", "Hana",
    "Inès", "João",  "Kofi", "Léa",    "Marek", "Nora",   "Omar",   "Priya"};
constexpr std::array<std::string_view, 16> kLastNames{
    "Almeida", "Berg",   "Costa",    "Dubois", "Eriksen", "Fischer",  "García", "Haddad",
    "Ivanov",  "Jansen", "Kowalski", "Lopes",  "Müller",  "Nakamura", "Okafor", "Rossi"};
constexpr std::array kUrls{Choice{"/", 24},
                           Choice{"/products", 18},
                           Choice{"/products/laptop", 9},
                           Choice{"/products/headphones", 11},
                           Choice{"/cart", 12},
                           Choice{"/checkout", 7},
                           Choice{"/account", 8},
                           Choice{"/search?q=lamp", 6},
                           Choice{"/images/banner.webp", 14},
                           Choice{"/old-offer", 3},
                           Choice{"/api/stock", 6}};
constexpr std::array kUsualStatus{Choice{"200", 92}, Choice{"304", 5}, Choice{"404", 2},
                                  Choice{"500", 1}};
constexpr std::array kOldOfferStatus{Choice{"404", 80}, Choice{"301", 20}};
constexpr std::array kCheckoutStatus{Choice{"200", 88}, Choice{"402", 6}, Choice{"500", 4},
                                     Choice{"503", 2}};
constexpr std::array kAccountStatus{Choice{"200", 85}, Choice{"401", 12}, Choice{"403", 3}};
constexpr std::array kMessages{Choice{"Just got my order, great quality!", 6},
                               Choice{"Delivery took two weeks, not happy.", 3},
                               Choice{"Je recommande vivement ce produit 👍", 4},
                               Choice{"Service client très lent…", 2},
                               Choice{"¡Me encanta mi nuevo teclado!", 4},
                               Choice{"El paquete llegó roto", 2},
                               Choice{"Super Angebot, danke!", 3},
                               Choice{"Leider falsche Farbe geliefert", 2},
                               Choice{"配送很快，谢谢！", 3},
                               Choice{"とても良い買い物でした", 3},
                               Choice{"خدمة ممتازة", 2},
                               Choice{"Очень доволен покупкой", 2}};
constexpr int64_t kClients = 220;
constexpr double kClientsMean = 60;  // Some buy far more often than others.
// How much happens in each hour of a day.
constexpr std::array<double, 24> kHours{2,  1,  1,  1,  1,  2,  4,  6,  8,  9,  10, 11,
                                        12, 11, 10, 10, 11, 13, 15, 17, 16, 12, 8,  4};
constexpr int64_t kHourUs = 3'600'000'000;

/// Numbers of one record, one after the other.
class Dice {
 public:
  explicit Dice(uint64_t bits) : bits_(bits) {}
  uint64_t Bits() { return bits_ = Mix(bits_); }
  double Share() { return Uniform(Bits()); }
  /// Within [low, high).
  int64_t Between(int64_t low, int64_t high) {
    return low + static_cast<int64_t>(Bits() % static_cast<uint64_t>(high - low));
  }
  template <size_t n>
  std::string_view OneOf(const std::array<std::string_view, n>& texts) {
    return texts[Bits() % n];
  }
  template <class Item, size_t n>
  const Item& Weighted(const std::array<Item, n>& items) {
    int sum = 0;
    for (const Item& item : items) sum += item.weight;
    auto left = static_cast<int>(Bits() % static_cast<uint64_t>(sum));
    for (const Item& item : items) {
      if ((left -= item.weight) < 0) return item;
    }
    return items.back();
  }

 private:
  uint64_t bits_;
};

// Even times of a day become as dense as its hours are busy; the order stays.
int64_t BusyTime(int64_t even_us) {
  const double sum = std::accumulate(kHours.begin(), kHours.end(), 0.0);
  int64_t time_us = FloorTo(even_us, kMicrosPerDay);
  double left = sum * static_cast<double>(even_us - time_us) / static_cast<double>(kMicrosPerDay);
  for (const double weight : kHours) {
    if (left < weight) return time_us + static_cast<int64_t>(left / weight * kHourUs);
    left -= weight;
    time_us += kHourUs;
  }
  return time_us - 1;
}

std::string TimeText(int64_t time_us, char between, bool with_z) {
  std::string text;
  AppendTimestamp(FloorTo(time_us, kMicrosPerSecond), with_z, &text);
  text[10] = between;
  return text;
}

std::string DayText(int64_t time_us) {
  std::string text;
  AppendDate(FloorTo(time_us, kMicrosPerDay) / kMicrosPerDay, &text);
  return text;
}

std::string Decimal(int64_t value, int digits) {
  std::string text;
  AppendDecimal(value, digits, &text);
  return text;
}

std::vector<std::string> Transaction(Dice& dice, uint64_t seed, int64_t time_us) {
  const double far = -kClientsMean * std::log1p(-dice.Share());
  const auto client =
      static_cast<uint64_t>(std::min<int64_t>(static_cast<int64_t>(far), kClients - 1));
  Dice person(Mix(Mix(seed) ^ client));
  const uint64_t high = person.Bits();
  std::string id = UuidText(high, person.Bits());
  std::string name(person.OneOf(kFirstNames));
  name += ' ';
  name += person.OneOf(kLastNames);
  const Product& product = dice.Weighted(kProducts);
  constexpr std::array<int64_t, 6> kCounts{1, 1, 1, 1, 2, 3};
  int64_t cents = product.cents * kCounts[dice.Bits() % kCounts.size()];
  if (dice.Bits() % 3 == 0) cents -= cents / 10;  // A tenth off.
  return {std::move(id),
          std::move(name),
          TimeText(time_us, ' ', false),
          std::string(product.name),
          Decimal(cents, 2),
          std::string(dice.Weighted(kPayments).text)};
}

std::vector<std::string> WebLog(Dice& dice, int64_t time_us) {
  std::string address = std::to_string(dice.Between(1, 255));
  for (int i = 0; i < 3; ++i) address += "." + std::to_string(dice.Between(1, 255));
  const std::string_view url = dice.Weighted(kUrls).text;
  const std::string_view status = url == "/old-offer"  ? dice.Weighted(kOldOfferStatus).text
                                  : url == "/checkout" ? dice.Weighted(kCheckoutStatus).text
                                  : url == "/account"  ? dice.Weighted(kAccountStatus).text
                                                       : dice.Weighted(kUsualStatus).text;
  return {std::move(address), std::string(url), std::string(status), TimeText(time_us, ' ', false)};
}

std::vector<std::string> SocialPost(Dice& dice, int64_t time_us) {
  std::string user(dice.OneOf(kFirstNames));
  user[0] = static_cast<char>(user[0] | 0x20);
  user += "_" + std::to_string(dice.Between(100, 1000));
  const std::string_view message = dice.Weighted(kMessages).text;
  // A few are liked by thousands.
  const double fame = 10 * std::pow(1 - dice.Share(), -0.8) - 10;
  const auto likes = static_cast<int64_t>(std::min(fame, 20'000.0));
  const int64_t retweets = static_cast<int64_t>(static_cast<double>(likes) * 0.4 * dice.Share());
  return {std::move(user), std::string(message), TimeText(time_us, 'T', true),
          std::to_string(likes), std::to_string(retweets)};
}

std::vector<std::string> AdCampaign(Dice& dice, int64_t slot, int64_t time_us) {
  char id[32];
  std::snprintf(id, sizeof(id), "CMP-%04lld", static_cast<long long>(slot + 1));
  const int64_t days = dice.Between(7, 45);
  const int64_t cents = dice.Between(50'000, 2'000'000);
  const int64_t impressions = dice.Between(5'000, 500'000);
  const int64_t per_mille = 2 + dice.Between(0, 30) + dice.Between(0, 30);
  const int64_t clicks = impressions * per_mille / 1'000 + dice.Between(0, 5);
  const int64_t ctr = (clicks * 2'000'000 + impressions) / (2 * impressions);  // Rounded.
  return {id,
          DayText(time_us),
          DayText(time_us + days * kMicrosPerDay),
          Decimal(cents, 2),
          std::to_string(clicks),
          std::to_string(impressions),
          Decimal(ctr, 6)};
}

// The texts above hold no control character, quote or backslash.
void AppendRecord(std::span<const Field> fields, const std::vector<std::string>& values,
                  bool is_csv, std::string& out) {
  for (size_t i = 0; i < fields.size(); ++i) {
    const bool has_comma = values[i].find(',') != std::string::npos;
    const bool has_quotes = is_csv ? has_comma : fields[i].is_text;
    if (i > 0) out += ',';
    if (!is_csv) out.append(i == 0 ? "{\"" : "\"").append(fields[i].name).append("\":");
    if (has_quotes) out += '"';
    out += values[i];
    if (has_quotes) out += '"';
  }
  out += is_csv ? "\n" : "}\n";
}

}  // namespace

ShopModel::ShopModel(const ShopFeedOptions& options)
    : options_(options), slot_count_(options.slot_count > 0 ? options.slot_count : INT64_MAX) {
  CATCHWATER_CHECK(options.cadence_us > 0, "checked by the config");
  for (const Field& field : FieldsOf(options.feed)) {
    csv_header_.append(csv_header_.empty() ? "" : ",").append(field.name);
  }
  csv_header_ += '\n';
}

int64_t ShopModel::TimeOfSlot(int64_t slot) const {
  return options_.from_us + slot * options_.cadence_us;
}

void ShopModel::AppendSlot(int64_t slot, uint64_t ordinal_min, ReadBuffer& buffer,
                           std::vector<Record>& records) {
  const uint64_t ordinal = static_cast<uint64_t>(slot) * 4;
  if (ordinal < ordinal_min) return;
  const uint64_t seed = Mix(options_.seed * 4 + static_cast<uint64_t>(options_.feed));
  Dice dice(Mix(seed ^ static_cast<uint64_t>(slot)));
  int64_t time_us = TimeOfSlot(slot);
  if (!options_.is_realtime) {
    time_us = BusyTime(time_us + dice.Between(0, options_.cadence_us));
  }
  const std::vector<std::string> values = [&] {
    switch (options_.feed) {
      case ShopFeed::kWebLogs:
        return WebLog(dice, time_us);
      case ShopFeed::kSocialData:
        return SocialPost(dice, time_us);
      case ShopFeed::kAdCampaigns:
        return AdCampaign(dice, slot, time_us);
      case ShopFeed::kTransactions:
        break;
    }
    return Transaction(dice, seed, time_us);
  }();
  text_.clear();
  AppendRecord(FieldsOf(options_.feed), values, options_.is_csv, text_);
  std::ranges::copy(text_, buffer.end());
  buffer.AddFilled(static_cast<int64_t>(text_.size()));
  records.push_back({.ordinal = ordinal, .end = buffer.byte_count()});
}

}  // namespace catchwater
