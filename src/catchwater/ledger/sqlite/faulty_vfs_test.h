/// \file
/// SQLite's view of the disk with a fault in it: tests only.
#pragma once

#include <cerrno>
#include <cstddef>

#include <sqlite3.h>

namespace catchwater {

/// While it lives, every database that is opened goes through it. One at a time, one thread.
class FaultyVfs {
 public:
  enum class Fault { kDiskFull, kWriteError, kSyncError };

  FaultyVfs() {
    original_ = sqlite3_vfs_find(nullptr);
    vfs_ = *original_;
    vfs_.zName = "faulty";
    vfs_.szOsFile = static_cast<int>(sizeof(File)) + original_->szOsFile;
    vfs_.pAppData = this;
    vfs_.xOpen = [](sqlite3_vfs* vfs, const char* name, sqlite3_file* file, int flags, int* out) {
      return static_cast<FaultyVfs*>(vfs->pAppData)->Open(name, file, flags, out);
    };
    current_ = this;
    sqlite3_vfs_register(&vfs_, /*makeDflt=*/1);
  }
  ~FaultyVfs() {
    sqlite3_vfs_unregister(&vfs_);
    current_ = nullptr;
  }
  FaultyVfs(const FaultyVfs&) = delete;
  FaultyVfs& operator=(const FaultyVfs&) = delete;

  /// The number-th write or sync from now on fails (1: the next), and all later ones if
  /// is_lasting.
  void Arm(Fault fault, int number, bool is_lasting) {
    fault_ = fault;
    left_ = number;
    is_lasting_ = is_lasting;
    is_armed_ = true;
    was_hit_ = false;
  }
  void Disarm() { is_armed_ = false; }
  bool was_hit() const { return was_hit_; }

 private:
  struct File {
    sqlite3_file base;  // First: SQLite sees only this.
    sqlite3_io_methods methods;
  };
  static sqlite3_file* Inner(sqlite3_file* file) {
    return reinterpret_cast<sqlite3_file*>(reinterpret_cast<std::byte*>(file) + sizeof(File));
  }

  int Open(const char* name, sqlite3_file* file, int flags, int* out) {
    sqlite3_file* const inner = Inner(file);
    file->pMethods = nullptr;
    const int code = original_->xOpen(original_, name, inner, flags, out);
    if (code != SQLITE_OK) return code;
    auto* const outer = reinterpret_cast<File*>(file);
    outer->methods = Methods(inner->pMethods->iVersion);
    file->pMethods = &outer->methods;
    return SQLITE_OK;
  }

  // \return true if this operation must fail
  bool Hit(bool is_sync) {
    if (!is_armed_ || is_sync != (fault_ == Fault::kSyncError)) return false;
    --left_;
    const bool is_hit = left_ == 0 || (is_lasting_ && left_ < 0);
    was_hit_ = was_hit_ || is_hit;
    return is_hit;
  }

  static sqlite3_io_methods Methods(int version) {
    sqlite3_io_methods m{};
    m.iVersion = version > 2 ? 2 : version;
    m.xClose = [](sqlite3_file* f) { return Inner(f)->pMethods->xClose(Inner(f)); };
    m.xRead = [](sqlite3_file* f, void* to, int count, sqlite3_int64 at) {
      return Inner(f)->pMethods->xRead(Inner(f), to, count, at);
    };
    m.xWrite = [](sqlite3_file* f, const void* from, int count, sqlite3_int64 at) {
      if (!current_->Hit(/*is_sync=*/false)) {
        return Inner(f)->pMethods->xWrite(Inner(f), from, count, at);
      }
      // A torn write: the first half of the bytes is there.
      Inner(f)->pMethods->xWrite(Inner(f), from, count / 2, at);
      return current_->fault_ == Fault::kDiskFull ? SQLITE_FULL : SQLITE_IOERR_WRITE;
    };
    m.xTruncate = [](sqlite3_file* f, sqlite3_int64 length) {
      return Inner(f)->pMethods->xTruncate(Inner(f), length);
    };
    m.xSync = [](sqlite3_file* f, int flags) {
      if (current_->Hit(/*is_sync=*/true)) return SQLITE_IOERR_FSYNC;
      return Inner(f)->pMethods->xSync(Inner(f), flags);
    };
    m.xFileSize = [](sqlite3_file* f, sqlite3_int64* length) {
      return Inner(f)->pMethods->xFileSize(Inner(f), length);
    };
    m.xLock = [](sqlite3_file* f, int l) { return Inner(f)->pMethods->xLock(Inner(f), l); };
    m.xUnlock = [](sqlite3_file* f, int l) { return Inner(f)->pMethods->xUnlock(Inner(f), l); };
    m.xCheckReservedLock = [](sqlite3_file* f, int* out) {
      return Inner(f)->pMethods->xCheckReservedLock(Inner(f), out);
    };
    m.xFileControl = [](sqlite3_file* f, int what, void* argument) {
      return Inner(f)->pMethods->xFileControl(Inner(f), what, argument);
    };
    m.xSectorSize = [](sqlite3_file* f) { return Inner(f)->pMethods->xSectorSize(Inner(f)); };
    m.xDeviceCharacteristics = [](sqlite3_file* f) {
      return Inner(f)->pMethods->xDeviceCharacteristics(Inner(f));
    };
    m.xShmMap = [](sqlite3_file* f, int page, int bytes, int extend, void volatile** out) {
      return Inner(f)->pMethods->xShmMap(Inner(f), page, bytes, extend, out);
    };
    m.xShmLock = [](sqlite3_file* f, int at, int count, int flags) {
      return Inner(f)->pMethods->xShmLock(Inner(f), at, count, flags);
    };
    m.xShmBarrier = [](sqlite3_file* f) { Inner(f)->pMethods->xShmBarrier(Inner(f)); };
    m.xShmUnmap = [](sqlite3_file* f, int is_deleted) {
      return Inner(f)->pMethods->xShmUnmap(Inner(f), is_deleted);
    };
    return m;
  }

  static inline FaultyVfs* current_ = nullptr;
  sqlite3_vfs* original_ = nullptr;
  sqlite3_vfs vfs_{};
  Fault fault_ = Fault::kDiskFull;
  int left_ = 0;
  bool is_lasting_ = false;
  bool is_armed_ = false;
  bool was_hit_ = false;
};

}  // namespace catchwater
