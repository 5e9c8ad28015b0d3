//! An application with users of its own, and Partway in it: below `/files`, for users who are logged in.

use std::sync::{Arc, Mutex, PoisonError};

use actix_web::http::header;
use actix_web::web::{self, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse};
use async_trait::async_trait;
use partway_server::caller::{Caller, Subject};
use partway_server::hooks::{Decision, FinishedUpload, Hooks, ProposedUpload};
use partway_server::identity::Identify;
use partway_server::mount::Partway;
use partway_shared::error::{ErrorCode, Problem};

/// The application's own sessions: here a cookie that is the user's name, which a real one would sign.
pub(crate) struct Sessions;

#[async_trait(?Send)]
impl Identify for Sessions {
    async fn identify(&self, request: &HttpRequest) -> Result<Caller, Problem> {
        let cookies = request.headers().get(header::COOKIE).and_then(|cookies| cookies.to_str().ok());
        let mut cookies = cookies.into_iter().flat_map(|cookies| cookies.split("; "));
        let Some(session) = cookies.find_map(|cookie| cookie.strip_prefix("session=")) else {
            return Err(Problem::new(ErrorCode::CredentialsMissing, "log in first"));
        };
        let mut caller = Caller::new(Subject::new(session)?);
        // Guests may do less.
        if session == "guest" {
            caller.scope.max_file_size = Some(1_000_000);
        }
        Ok(caller)
    }
}

/// The application's own policy, and its list of what it has.
#[derive(Clone, Default)]
pub(crate) struct Library(Arc<Mutex<Vec<String>>>);

#[async_trait]
impl Hooks for Library {
    async fn before_create(
        &self,
        caller: &Caller,
        uploads: &[ProposedUpload],
    ) -> Result<Vec<Decision>, Problem> {
        let decisions = uploads.iter().map(|upload| {
            let mut decision = Decision::default();
            if upload.name.ends_with(".exe") {
                decision.refuse = Some("no programs, please".to_owned());
            }
            decision.metadata.insert("uploaded-by".to_owned(), caller.subject.as_str().to_owned());
            decision
        });
        Ok(decisions.collect())
    }

    async fn after_complete(&self, upload: &FinishedUpload) -> Result<(), Problem> {
        let mut files = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // It may be told twice.
        if !files.contains(&upload.object.key) {
            files.push(upload.object.key.clone());
        }
        Ok(())
    }
}

impl Library {
    /// The routes of the application, with Partway's among them.
    pub(crate) fn routes(&self, partway: &Partway) -> impl FnOnce(&mut ServiceConfig) + use<> {
        let (library, partway) = (self.clone(), partway.routes());
        move |config| {
            config
                .app_data(web::Data::new(library))
                .service(web::resource("/").get(list))
                .service(web::scope("/files").configure(partway));
        }
    }
}

async fn list(library: web::Data<Library>) -> HttpResponse {
    let files = library.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
    HttpResponse::Ok().json(files)
}
