//! A server and a store in memory, as strict as the real ones, over contents that
//! exist only as lengths and checksums.

use std::collections::BTreeMap;
use std::time::Duration;

use partway_shared::checksum::{Checksum, ChecksumKind, Crc64Nvme, Md5};
use partway_shared::error::{ErrorCode, Problem};
use partway_shared::part::{ByteRange, ETag, PartNumber};
use partway_shared::plan::{PartSizes, Plan, PlanLimits};
use partway_shared::time::Time;
use partway_shared::transfer::Failure;
use partway_shared::upload::{ControlCall, ControlReply};
use partway_shared::wire::{
    AbortUpload, CompleteUpload, CompletedPart, CompletedUpload, CompletedUploads, Completion, CreateCopy,
    CreatedCopy, CreatedUpload, CreatedUploads, CreationId, Grant, ListParts, ListedParts, NewUpload,
    SignParts, SignedParts, SignedPut, StoredPart,
};

use crate::simulated::{problem, refusal};

/// Both ends of the far side.
#[derive(Debug)]
pub(crate) struct Backend {
    pub(crate) plan: PlanLimits,
    pub(crate) checksum: ChecksumKind,
    pub(crate) url_life: Duration,
    pub(crate) uploads: BTreeMap<String, Upload>,
    /// What can be copied, by key.
    pub(crate) objects: BTreeMap<String, Object>,
    /// Copies by the names that they were asked for under: asking twice is asking once.
    pub(crate) copies: BTreeMap<CreationId, CreatedCopy>,
    /// Create requests seen.
    pub(crate) creates: u32,
    /// Requests to complete one or several seen.
    pub(crate) completes: u32,
    /// Requests for signatures seen.
    pub(crate) signs: u32,
    /// Names that are refused.
    pub(crate) refused: Vec<String>,
    /// What is said once of the creation of a file, and of its completion.
    pub(crate) postponed: BTreeMap<String, Problem>,
    pub(crate) uncompleted: BTreeMap<String, Problem>,
    /// Host names that parts are signed for.
    pub(crate) hosts: u32,
    /// Whether small files come with a form, and whether the store refuses forms.
    pub(crate) gives_forms: bool,
    pub(crate) refuses_forms: bool,
    /// Whether an object that is there is kept, and a second PUT under its name refused.
    pub(crate) keeps_existing: bool,
    /// Names of files where somebody else's object is.
    pub(crate) taken: Vec<String>,
    /// Whether listing parts gives their checksums.
    pub(crate) lists_checksums: bool,
    /// Requests for more files, completions or signatures than this are too large, for the server or for a proxy.
    pub(crate) most: usize,
    pub(crate) is_proxy: bool,
    /// Which parts the store takes.
    pub(crate) part_sizes: PartSizes,
    /// Whether the rest of a file may be cut otherwise.
    pub(crate) may_recut: bool,
    /// Who asks.
    pub(crate) caller: String,
    /// Whether no token is good any longer.
    pub(crate) expired: bool,
}

/// An object that somebody else has put there.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Object {
    pub(crate) size: u64,
    /// Changes when it is replaced.
    pub(crate) version: u32,
}

#[derive(Debug)]
pub(crate) struct Upload {
    pub(crate) name: String,
    /// The key and the version of what it is a copy of.
    pub(crate) source: Option<(String, u32)>,
    pub(crate) owner: String,
    /// How it was cut at first. A token names a later one.
    pub(crate) plan: Plan,
    pub(crate) recut: Vec<Plan>,
    pub(crate) parts: BTreeMap<PartNumber, StoredPart>,
    pub(crate) end: Option<End>,
    /// PUTs that were acknowledged, for each part.
    pub(crate) puts: BTreeMap<PartNumber, u32>,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum End {
    Completed(CompletedUpload),
    Aborted,
}

/// What the bytes of a file hash to: any function of the place will do.
pub(crate) fn content(name: &str, range: ByteRange) -> Crc64Nvme {
    if range.is_empty() {
        return Crc64Nvme::EMPTY;
    }
    Crc64Nvme::of(format!("{name} {} {}", range.start, range.end).as_bytes())
}

pub(crate) fn checksum_of(kind: ChecksumKind, name: &str, range: ByteRange) -> Checksum {
    let crc = content(name, range);
    match kind {
        ChecksumKind::Md5 => Md5::of(&crc.0.to_be_bytes()).into(),
        ChecksumKind::Crc64Nvme | ChecksumKind::None => crc.into(),
    }
}

impl Backend {
    pub(crate) fn new(plan: PlanLimits, checksum: ChecksumKind, url_life: Duration) -> Self {
        Self {
            plan,
            checksum,
            url_life,
            uploads: BTreeMap::new(),
            objects: BTreeMap::new(),
            copies: BTreeMap::new(),
            creates: 0,
            completes: 0,
            signs: 0,
            refused: Vec::new(),
            postponed: BTreeMap::new(),
            uncompleted: BTreeMap::new(),
            hosts: 1,
            gives_forms: false,
            refuses_forms: false,
            keeps_existing: false,
            taken: Vec::new(),
            lists_checksums: true,
            most: usize::MAX,
            is_proxy: false,
            part_sizes: PartSizes::Any,
            may_recut: false,
            caller: "ada".to_owned(),
            expired: false,
        }
    }

    /// Partway's server.
    pub(crate) fn call(&mut self, call: &ControlCall, now: Time) -> Result<ControlReply, Failure> {
        let size = match call {
            ControlCall::Create(request) => request.files.len(),
            ControlCall::Complete(request) => request.uploads.len(),
            ControlCall::Sign(request) => request.parts.len(),
            _ => 0,
        };
        if size > self.most {
            let code = (!self.is_proxy).then_some(ErrorCode::BodyTooLarge.as_str().to_owned());
            return Err(Failure::Status {
                status: 413,
                code,
                detail: String::new(),
                field: None,
                retry_after: None,
            });
        }
        if let Some(upload) = token_of(call).and_then(|token| self.uploads.get(key_of(token))) {
            let refusal =
                if upload.owner != self.caller { ErrorCode::TokenForeign } else { ErrorCode::TokenExpired };
            if self.expired || refusal == ErrorCode::TokenForeign {
                return Err(problem(refusal));
            }
        }
        match call {
            ControlCall::Create(request) => {
                self.creates += 1;
                let uploads = request.files.iter().map(|file| self.create(file, now)).collect();
                Ok(ControlReply::Created(CreatedUploads { owner: self.caller.clone(), uploads }))
            }
            ControlCall::Copy(request) => self.copy(request, now).map(ControlReply::Copied),
            ControlCall::Sign(request) => self.sign(request, now).map(ControlReply::Signed),
            ControlCall::List(ListParts { token }) => {
                if self.keeps_existing {
                    self.find_single(token);
                }
                let upload = self.uploads.get(key_of(token)).expect("tokens come from here");
                if let Some(End::Completed(completed)) = &upload.end {
                    let completed = Some(completed.clone());
                    return Ok(ControlReply::Listed(ListedParts { parts: Vec::new(), completed }));
                }
                let parts = self.open(token)?.parts.values().cloned().collect();
                Ok(ControlReply::Listed(ListedParts { parts, completed: None }))
            }
            ControlCall::Complete(request) => {
                self.completes += 1;
                let is_multipart =
                    |upload: &CompleteUpload| self.uploads[key_of(&upload.token)].plan.is_multipart();
                let is_alone = request.uploads.len() == 1;
                assert!(
                    is_alone || !request.uploads.iter().any(is_multipart),
                    "a store may take minutes for one"
                );
                let uploads = request.uploads.iter().map(|upload| match self.complete_or_postpone(upload) {
                    Ok(completed) => Completion::Completed(Box::new(completed)),
                    Err(problem) => Completion::Refused(problem),
                });
                Ok(ControlReply::Completed(CompletedUploads { uploads: uploads.collect() }))
            }
            ControlCall::Abort(AbortUpload { token }) => {
                if self.keeps_existing {
                    self.find_single(token);
                }
                let upload = self.uploads.get_mut(key_of(token)).expect("tokens come from here");
                match upload.end {
                    Some(End::Completed(_)) => Err(problem(ErrorCode::AlreadyCompleted)),
                    Some(End::Aborted) => Err(problem(ErrorCode::UploadGone)),
                    None => {
                        upload.parts.clear();
                        upload.end = Some(End::Aborted);
                        Ok(ControlReply::Aborted)
                    }
                }
            }
        }
    }

    /// What was sent as a whole is an object, whether or not anybody has completed it.
    fn find_single(&mut self, token: &str) {
        let upload = self.uploads.get(token).expect("tokens come from here");
        if let (false, Some(part)) = (upload.plan.is_multipart(), upload.parts.get(&PartNumber::FIRST)) {
            let part = CompletedPart { part_number: part.part_number, etag: part.etag.clone() };
            let range = upload.plan.range(part.part_number).expect("of the plan");
            let wants_checksum = self.checksum == ChecksumKind::Crc64Nvme;
            let checksum = wants_checksum.then(|| content(&upload.name, range));
            let request = CompleteUpload { token: token.to_owned(), parts: vec![part], checksum };
            self.complete(&request).expect("it is there");
        }
    }

    fn create(&mut self, file: &NewUpload, now: Time) -> CreatedUpload {
        if self.refused.contains(&file.name) {
            return CreatedUpload::Refused(Problem::new(ErrorCode::FileTooLarge, "not this one"));
        }
        if let Some(problem) = self.postponed.remove(&file.name) {
            return CreatedUpload::Refused(problem);
        }
        let plan = match file.size {
            Some(size) => Plan::new(size, file.part_size, &self.plan).expect("fits"),
            None => Plan::of_unknown_size(file.part_size, self.part_sizes, &self.plan),
        };
        let token = format!("{}#{}", file.name, self.uploads.len());
        let checksums = file.checksums.iter().copied();
        let signed = plan.part_numbers().zip(checksums).map(|(number, checksum)| {
            let range = plan.range(number).expect("of the plan");
            (number, checksum, checksum_of(checksum.kind(), &file.name, range))
        });
        // Only what was planned alike can be signed; a real server compares the part size.
        let parts = signed
            .take_while(|(_, claimed, real)| claimed == real)
            .map(|(number, checksum, _)| {
                let range = plan.range(number).expect("of the plan");
                let put = self.put(&token, number, range, Some(checksum), now);
                let form = (self.gives_forms && !plan.is_multipart()).then(BTreeMap::new);
                SignedPut { form, ..put }
            })
            .collect();
        let grant = Grant {
            key: token.clone(),
            token: token.clone(),
            size: plan.size(),
            expires_in: 86_400,
            strategy: plan.strategy().clone(),
            may_recut: plan.size().is_some() && self.may_recut,
            checksum: self.checksum,
            hosts: self.hosts,
            parts: if self.checksum == ChecksumKind::None { Vec::new() } else { parts },
        };
        let upload = Upload {
            name: file.name.clone(),
            source: None,
            owner: self.caller.clone(),
            plan,
            recut: Vec::new(),
            parts: BTreeMap::new(),
            end: None,
            puts: BTreeMap::new(),
        };
        self.uploads.insert(token, upload);
        CreatedUpload::Accepted(Box::new(grant))
    }

    fn copy(&mut self, request: &CreateCopy, now: Time) -> Result<CreatedCopy, Failure> {
        let id = request.id.expect("each copy is named");
        if let Some(created) = self.copies.get(&id) {
            return Ok(created.clone());
        }
        let key = &request.from.key;
        let &Object { size, version } =
            self.objects.get(key).ok_or_else(|| problem(ErrorCode::ObjectNotFound))?;
        let plan = Plan::new(size, None, &self.plan).expect("fits");
        let token = format!("copy of {key}#{}", self.uploads.len());
        let upload = Upload {
            name: key.clone(),
            source: Some((key.clone(), version)),
            owner: self.caller.clone(),
            plan: plan.clone(),
            recut: Vec::new(),
            parts: BTreeMap::new(),
            end: None,
            puts: BTreeMap::new(),
        };
        self.uploads.insert(token.clone(), upload);
        let created = if plan.is_multipart() {
            let first = plan.part_numbers().take(2);
            CreatedCopy::Accepted(Box::new(Grant {
                key: token.clone(),
                size: Some(size),
                token: token.clone(),
                expires_in: 86_400,
                strategy: plan.strategy().clone(),
                may_recut: false,
                checksum: ChecksumKind::None,
                hosts: self.hosts,
                parts: first
                    .map(|number| {
                        self.put(&token, number, plan.range(number).expect("of the plan"), None, now)
                    })
                    .collect(),
            }))
        } else {
            let range = plan.range(PartNumber::FIRST).expect("of the plan");
            let put = self.put(&token, PartNumber::FIRST, range, None, now);
            let etag = self.store(&put.url, range, false, now)?.expect("an ETag");
            let parts = vec![CompletedPart { part_number: PartNumber::FIRST, etag }];
            let completed = self.complete(&CompleteUpload { token, parts, checksum: None });
            CreatedCopy::Copied(Box::new(completed.map_err(problem)?))
        };
        self.copies.insert(id, created.clone());
        Ok(created)
    }

    /// Which bytes a signed URL is for.
    pub(crate) fn range_of(&self, url: &str) -> ByteRange {
        let (start, end) = url.rsplit('|').next().and_then(|range| range.split_once('-')).expect("a range");
        ByteRange { start: start.parse().expect("a place"), end: end.parse().expect("a place") }
    }

    fn put(
        &self,
        token: &str,
        number: PartNumber,
        range: ByteRange,
        checksum: Option<Checksum>,
        now: Time,
    ) -> SignedPut {
        let token = key_of(token);
        let checksum = checksum.map_or(String::new(), |checksum| checksum.to_string());
        let expires = (now + self.url_life).as_millis();
        let source = self.uploads.get(token).and_then(|upload| upload.source.as_ref());
        let headers = source.map(|(key, _)| ("x-amz-copy-source".to_owned(), format!("bucket/{key}")));
        SignedPut {
            part_number: number,
            // The host comes before the third slash.
            url: format!(
                "s3://{}/{token}|{number}|{checksum}|{expires}|{}-{}",
                number.get() % self.hosts,
                range.start,
                range.end
            ),
            headers: headers.into_iter().collect(),
            form: None,
            expires_in: self.url_life.as_secs(),
        }
    }

    fn sign(&mut self, request: &SignParts, now: Time) -> Result<SignedParts, Failure> {
        self.signs += 1;
        let token = key_of(&request.token);
        if self.keeps_existing
            && let Some(signed) = self.uploads.get(token).filter(|one| !one.plan.is_multipart())
            && !signed.parts.is_empty()
        {
            return Err(problem(ErrorCode::AlreadyCompleted));
        }
        let checksum = self.checksum;
        let recut = self.recut(request)?;
        let plan = self.plan_of(recut.as_ref().unwrap_or(&request.token));
        let upload = self.open(token)?;
        for part in &request.parts {
            assert!(plan.range(part.part_number).is_some(), "asked for a part outside the plan");
            assert!(part.size.is_none() || plan.size().is_none(), "only a stream's end is told");
            assert_eq!(part.checksum.is_some(), checksum.needs_hashing() && upload.source.is_none());
            assert!(part.checksum.is_none_or(|given| given.kind() == checksum));
        }
        let parts = request.parts.iter().map(|part| {
            let mut range = plan.range(part.part_number).expect("of the plan");
            range.end = part.size.map_or(range.end, |size| range.start + size);
            self.put(token, part.part_number, range, part.checksum, now)
        });
        Ok(SignedParts { parts: parts.collect(), token: recut })
    }

    /// The token of another plan for the rest, if the request asks for one. Asking twice gives the same.
    fn recut(&mut self, request: &SignParts) -> Result<Option<String>, Failure> {
        let Some(strategy) = &request.strategy else { return Ok(None) };
        assert!(self.may_recut, "nobody said that it might");
        let key = key_of(&request.token).to_owned();
        self.open(&key)?;
        let before = self.plan_of(&request.token);
        let plan = Plan::from_strategy(before.size(), strategy.clone()).expect("it fits");
        let last = plan.part_count();
        let lens = plan.part_numbers().filter(|number| number.get() < last);
        assert!(
            lens.filter_map(|number| plan.range(number)).all(|range| range.len() >= self.plan.min_part_size)
        );
        let upload = self.uploads.get_mut(&key).expect("tokens come from here");
        let known = upload.recut.iter().position(|one| *one == plan);
        let index = known.unwrap_or_else(|| {
            upload.recut.push(plan);
            upload.recut.len() - 1
        });
        Ok(Some(format!("{key}~{index}")))
    }

    /// How a file is cut, as its token has it.
    fn plan_of(&self, token: &str) -> Plan {
        let upload = &self.uploads[key_of(token)];
        match token.split_once('~') {
            Some((_, index)) => upload.recut[index.parse::<usize>().expect("an index")].clone(),
            None => upload.plan.clone(),
        }
    }

    fn complete_or_postpone(&mut self, request: &CompleteUpload) -> Result<CompletedUpload, Problem> {
        match self.uncompleted.remove(&self.uploads[key_of(&request.token)].name) {
            Some(problem) => Err(problem),
            None => self.complete(request).map_err(|code| Problem::new(code, "")),
        }
    }

    fn complete(&mut self, request: &CompleteUpload) -> Result<CompletedUpload, ErrorCode> {
        let mut plan = self.plan_of(&request.token);
        let token = key_of(&request.token);
        let upload = self.uploads.get_mut(token).expect("tokens come from here");
        let wants_checksum = self.checksum == ChecksumKind::Crc64Nvme && upload.source.is_none();
        match &upload.end {
            Some(End::Completed(completed)) => return Ok(completed.clone()),
            Some(End::Aborted) => return Err(ErrorCode::UploadGone),
            None => {}
        }
        if plan.size().is_none() {
            let parts = request.parts.iter().map(|part| upload.parts.get(&part.part_number));
            let size = parts.map(|part| part.map(|part| part.size)).sum::<Option<u64>>();
            plan = plan.ending_at(size.ok_or(ErrorCode::PartMissing)?).ok_or(ErrorCode::PartMismatch)?;
        }
        assert_eq!(
            request.parts.len(),
            plan.part_count() as usize,
            "the client completes what it knows whole"
        );
        let mut whole = Crc64Nvme::EMPTY;
        for part in &request.parts {
            let range = plan.range(part.part_number).expect("of the plan");
            let stored = upload.parts.get(&part.part_number).ok_or(ErrorCode::PartMissing)?;
            if stored.etag != part.etag || stored.size != range.len() {
                return Err(ErrorCode::PartMismatch);
            }
            whole = whole.followed_by(content(&upload.name, range), range.len());
        }
        assert_eq!(
            request.checksum,
            wants_checksum.then_some(whole),
            "the object's checksum is that of its parts"
        );
        let completed = CompletedUpload {
            bucket: "bucket".to_owned(),
            key: token.to_owned(),
            location: format!("/{token}"),
            etag: ETag::new("done"),
            size: plan.size().expect("it is known at the end"),
            verified: self.checksum,
            checksum: request.checksum.map(Into::into),
            version_id: None,
            part_count: plan.part_count(),
        };
        // Parts of a plan that was given up are no part of the object.
        let is_used = |number: &PartNumber| request.parts.iter().any(|part| part.part_number == *number);
        upload.parts.retain(|number, _| is_used(number));
        upload.end = Some(End::Completed(completed.clone()));
        Ok(completed)
    }

    /// The store. `altered` bytes arrive otherwise than they were sent.
    pub(crate) fn store(
        &mut self,
        url: &str,
        body: ByteRange,
        altered: bool,
        now: Time,
    ) -> Result<Option<ETag>, Failure> {
        let path = url.splitn(4, '/').nth(3).expect("a path");
        let fields: Vec<_> = path.split('|').collect();
        let range = self.range_of(url);
        let [token, number, checksum, expires, _] = fields[..] else { panic!("not a signed URL: {url}") };
        if now.as_millis() > expires.parse::<u64>().expect("a time") {
            return Err(refusal(403, "AccessDenied"));
        }
        let number = PartNumber::new(number.parse().expect("a number")).expect("in range");
        let upload = self.uploads.get_mut(token).expect("tokens come from here");
        if upload.end.is_some() {
            return Err(refusal(404, "NoSuchUpload"));
        }
        match upload.source.as_ref().map(|(key, version)| (self.objects.get(key), version)) {
            Some((None, _)) => return Err(refusal(404, "NoSuchKey")),
            Some((Some(object), version)) if object.version != *version => {
                return Err(refusal(412, "PreconditionFailed"));
            }
            _ => {}
        }
        assert_eq!(body, range, "the body is the part");
        let kind = checksum.parse().map_or(ChecksumKind::None, Checksum::kind);
        let arrived = checksum_of(kind, &upload.name, range);
        if !checksum.is_empty() && (altered || checksum != arrived.to_string()) {
            return Err(refusal(400, "BadDigest"));
        }
        let is_there = !upload.parts.is_empty() || self.taken.contains(&upload.name);
        if self.keeps_existing && !upload.plan.is_multipart() && is_there {
            return Err(refusal(412, "PreconditionFailed"));
        }
        let etag = match arrived {
            Checksum::Md5(Md5(bytes)) => bytes.iter().map(|byte| format!("{byte:02x}")).collect(),
            Checksum::Crc64Nvme(checksum) => checksum.to_string(),
        };
        let etag = ETag::new(&etag);
        let part = StoredPart {
            part_number: number,
            size: range.len(),
            etag: etag.clone(),
            checksum: Some(arrived).filter(|arrived| self.lists_checksums && arrived.crc64nvme().is_some()),
        };
        upload.parts.insert(number, part);
        *upload.puts.entry(number).or_default() += 1;
        Ok(Some(etag))
    }

    fn open(&self, token: &str) -> Result<&Upload, Failure> {
        let upload = self.uploads.get(key_of(token)).expect("tokens come from here");
        match upload.end {
            None => Ok(upload),
            Some(_) => Err(problem(ErrorCode::UploadGone)),
        }
    }
}

/// The upload of a token.
fn key_of(token: &str) -> &str {
    token.split('~').next().unwrap_or(token)
}

/// The upload that a call is about.
fn token_of(call: &ControlCall) -> Option<&String> {
    match call {
        ControlCall::Sign(SignParts { token, .. })
        | ControlCall::List(ListParts { token })
        | ControlCall::Abort(AbortUpload { token }) => Some(token),
        ControlCall::Create(_) | ControlCall::Copy(_) | ControlCall::Complete(_) => None,
    }
}
