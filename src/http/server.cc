#include "http/server.h"

#include <algorithm>
#include <iterator>
#include <utility>
#include <vector>

#include "auth/tokens.h"
#include "http/access_routes.h"
#include "http/backup_route.h"
#include "http/change_hub.h"
#include "http/player_routes.h"
#include "http/routes.h"
#include "http/static_files.h"
#include "live/dashboard_metrics.h"
#include "live/live.h"

namespace gameflow::http {
namespace {

// The server, and what its routes refer to.
class ApiServer final : public serve::Server {
 public:
  ApiServer(api::Api& api, const ServerOptions& options)
      : files_(web_files(), options.web_folder),
        hub_(api.log()),
        live_(api),
        dashboard_metrics_(api),
        context_{.api = api,
                 .files = files_,
                 .hub = hub_,
                 .live = live_,
                 .dashboard_metrics = dashboard_metrics_,
                 .body_bytes_max = options.body_bytes_max,
                 .public_urls = options.public_urls,
                 .asks_who = options.tokens.has_value(),
                 .quotas = quotas_,
                 .quota_of_address = options.quota_of_address} {}
  ~ApiServer() override {
    live_.stop();
    dashboard_metrics_.stop();
  }
  ApiServer(const ApiServer&) = delete;
  ApiServer& operator=(const ApiServer&) = delete;

  Status listen(ServerOptions options) {
    // More than there may be queries: what is not one never waits behind them, and a query too many
    // is told so at once.
    options.workers = api::Api::kQueriesMax + 2;
    options.description = "the routes are in docs/reference/http.md";
    std::vector<serve::Route> routes = api_routes(context_);
    if (options.backups != nullptr) routes.push_back(backup_route(*options.backups));
    if (options.players != nullptr)
      std::ranges::move(player_routes(*options.players), std::back_inserter(routes));
    add_list_of(routes);
    GF_ASSIGN(server_, serve::Server::listen(options, std::move(routes)));
    return {};
  }

  std::uint16_t port() const override { return server_->port(); }
  void start() override { server_->start(); }
  void replace_tokens(auth::Tokens tokens) override { server_->replace_tokens(std::move(tokens)); }
  Status reload_certificate() override { return server_->reload_certificate(); }
  void stop() override {
    live_.stop();
    dashboard_metrics_.stop();
    server_->stop();
  }

 private:
  StaticFiles files_;
  ChangeHub hub_;
  live::Live live_;
  live::DashboardMetrics dashboard_metrics_;
  Quotas quotas_;
  RouteContext context_;
  std::unique_ptr<serve::Server> server_;
};

}  // namespace

Result<std::unique_ptr<serve::Server>> listen(api::Api& api, const ServerOptions& options) {
  auto server = std::make_unique<ApiServer>(api, options);
  GF_TRY(server->listen(options));
  return server;
}

}  // namespace gameflow::http
