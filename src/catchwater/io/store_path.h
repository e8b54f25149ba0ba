/// \file
/// Paths of object stores, `s3://bucket/key`, among those of the disk.
///
/// In a store folders are the parts of keys: making and syncing them does nothing, one without
/// objects is empty. CreateNew finds out at Sync or Close that the name is taken. An entry's inode
/// is a hash of key and version, so that an object that was replaced is another one.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "catchwater/io/files.h"

namespace catchwater {

/// True for `s3://...`: a path that never gets a folder put before it.
bool IsStorePath(std::string_view path);

/// The path as it can be opened: one that is neither absolute nor in a store begins at the folder.
std::string ResolvePath(const std::string& folder, const std::string& path);

/// Hands `s3://...` to `store` and all else to `local`. Both are borrowed; store may be null.
std::unique_ptr<Files> MakeRoutedFiles(Files& local, Files* store);

}  // namespace catchwater
