// The commands on a data folder: their options, and the functions that run them.
//
// Each function prints results on stdout and messages on stderr, and returns the exit code.
#pragma once

#include <filesystem>
#include <string>

#include "client/http_client.h"

namespace gameflow::app {

// --- Services, while no server has the folder open
// ------------------------------------------------

struct ServiceListOptions {
  std::filesystem::path data_folder = "data";
  bool json = false;
};
int service_list_command(const ServiceListOptions& options);

struct ServiceResetWatermarkOptions {
  std::filesystem::path data_folder = "data";
  std::string service;
  bool json = false;
};
int service_reset_watermark_command(const ServiceResetWatermarkOptions& options);

struct ServiceForgetOptions {
  std::filesystem::path data_folder = "data";
  std::string service;
  bool json = false;
};
int service_forget_command(const ServiceForgetOptions& options);

// --- The folder as a whole
// ------------------------------------------------------------------------

struct BackupOptions {  // of a server that runs
  client::ServerAddress server;
  std::filesystem::path folder;
  bool json = false;
};
int backup_command(const BackupOptions& options);

struct VerifyOptions {  // while no server has it open
  std::filesystem::path data_folder = "data";
  bool json = false;
};
int verify_command(const VerifyOptions& options);

}  // namespace gameflow::app
