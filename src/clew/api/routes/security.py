"""The caller's own password and second factor. A session left open is not enough for any of it."""

from typing import Annotated

from starlette.responses import Response

from clew.api.callers import Call, in_person
from clew.api.models.account import (
    Confirmed,
    EnrolmentModel,
    PasswordChange,
    PasswordProof,
    RecoveryCodes,
    Renewed,
    SecondFactorCode,
    SecondFactorRemoval,
    SecondFactorState,
    Tokens,
)
from clew.api.representations import shown
from clew.api.routing import router as routes
from clew.domains.identity import second_factor
from clew.domains.identity.changing_password import change_password, confirm_password
from clew.domains.identity.sessions import NewSession, forget_second_factor, renew_session, revoke_sessions
from clew.domains.identity.sign_in import SignedIn
from clew.domains.identity.users import find_user
from clew.kernel.errors import AuthenticationError, ConflictError

router = routes("security", prefix="/api/v1/me")


@router.put("/password", response_model=Renewed, summary="Change one's own password")
def update_password(call: Annotated[Call, in_person()], body: PasswordChange) -> Response:
    """Takes the present password. All other sessions end, and this one goes on under a new id."""
    serving, principal = call.serving, call.principal
    session = change_password(
        serving.door, serving.rules.policy, principal, body.present.get_secret_value(), body.new.get_secret_value()
    )
    return _going_on(call, session, Renewed(session_id=session.id))


@router.get("/second-factor", response_model=SecondFactorState, summary="Whether a second factor is in force")
def get_second_factor(call: Annotated[Call, in_person(enrolling=True)]) -> Response:
    """Whether it is, and how many recovery codes are left."""
    where, who = call.principal.organization_id, call.principal.user_id
    with call.reading() as connection:
        user = find_user(connection, where, who)
        left = second_factor.recovery_codes_left(connection, where, who)
    return shown(SecondFactorState(enabled=user.mfa_enabled, recovery_codes_left=left))


@router.post("/second-factor", response_model=EnrolmentModel, summary="Begin to set up a second factor")
def begin_second_factor(call: Annotated[Call, in_person(enrolling=True)], body: PasswordProof) -> Response:
    """Gives the secret for the authenticator. It counts once a code of it was confirmed."""
    _confirm(call, body)
    with call.transaction() as connection:
        made = second_factor.begin_enrolment(
            connection, call.principal.organization_id, call.principal.user_id, call.serving.door.sealer
        )
    return shown(EnrolmentModel.of(made))


@router.post("/second-factor/confirm", response_model=Confirmed, summary="Put a second factor in force")
def confirm_second_factor(call: Annotated[Call, in_person(enrolling=True)], body: SecondFactorCode) -> Response:
    """Takes a code from the device. Every other session ends, because it began without; this one gets a new id."""
    serving, where, who = call.serving, call.principal.organization_id, call.principal.user_id
    with call.transaction() as connection:
        codes = second_factor.confirm_enrolment(
            connection,
            where,
            who,
            serving.door.sealer,
            body.code,
            drift_steps=serving.door.drift_steps,
            clock=serving.clock,
        )
        session = renew_session(
            connection,
            where,
            call.require_session(),
            limits=serving.door.session_limits,
            second_factor=True,
            clock=serving.clock,
        )
        revoke_sessions(connection, where, who, reason="second factor set up", keep=session.id, clock=serving.clock)
    return _going_on(call, session, Confirmed(recovery_codes=codes, session_id=session.id))


@router.post("/second-factor/remove", status_code=204, response_class=Response, summary="Remove one's second factor")
def remove_second_factor(call: Annotated[Call, in_person()], body: SecondFactorRemoval) -> Response:
    """Takes the password and a code; every other session ends. Where one is demanded, the next is set up at once."""
    _confirm(call, body)
    serving, where, who = call.serving, call.principal.organization_id, call.principal.user_id
    door = serving.door
    with call.transaction() as connection:
        taken = second_factor.take_code(
            connection, where, who, door.sealer, body.code, drift_steps=door.drift_steps, clock=serving.clock
        )
        if not taken:
            raise AuthenticationError("this code is wrong", where="code", remedy="take the next code")
        second_factor.remove_second_factor(connection, where, who)
        session = call.require_session()
        revoke_sessions(connection, where, who, reason="second factor removed", keep=session, clock=serving.clock)
        forget_second_factor(connection, where, session)
    return Response(None, 204)


@router.post("/recovery-codes", response_model=RecoveryCodes, summary="Make new recovery codes")
def create_recovery_codes(call: Annotated[Call, in_person()], body: PasswordProof) -> Response:
    """Ten codes in place of all that were, shown this once."""
    _confirm(call, body)
    where, who = call.principal.organization_id, call.principal.user_id
    with call.transaction() as connection:
        if not find_user(connection, where, who).mfa_enabled:
            raise ConflictError("there is no second factor to recover", remedy="set one up first")
        codes = second_factor.new_recovery_codes(connection, where, who, clock=call.serving.clock)
    return shown(RecoveryCodes(recovery_codes=codes))


def _going_on(call: Call, session: NewSession, made: Renewed | Confirmed) -> Response:
    """The answer of a request whose session goes on as another one: with its cookie, or with its tokens."""
    serving, principal = call.serving, call.principal
    if call.session_token() is None:
        pair = serving.desk.hand_out(SignedIn(principal.organization_id, principal.user_id, session))
        return shown(made.model_copy(update={"tokens": Tokens.of(pair)}))
    answer = shown(made.model_copy(update={"csrf_token": serving.cookies.proof(session.token)}))
    serving.cookies.set_cookie(answer, session, serving.clock)
    return answer


def _confirm(call: Call, body: PasswordProof | SecondFactorRemoval) -> None:
    confirm_password(call.serving.door, call.principal, body.password.get_secret_value())
