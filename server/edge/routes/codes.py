"""Signing in, and setting a new password, by a code that is sent to an address."""

from starlette.requests import Request

from server.commands import Phone
from server.edge.authentication import address_of
from server.edge.endpoint import Answer, Endpoints
from server.edge.fields import Asked, Code, Email, Password
from server.edge.routes.sign_in import Session, session_answer
from server.errors import Fault, Malformed, TooMany, Unauthenticated, Unavailable
from server.service.addresses import Address
from server.service.code_sign_in import CodeSignIn
from server.service.rate_limits import RateLimits


class CodePost(Asked):
    """Where to send a code: an email address or a phone number, and not both."""

    email: Email | None = None
    phone: Phone | None = None

    def address(self) -> Address:
        """The one address.

        Raises:
            Malformed: if there are none or two.
        """
        if self.email is not None and self.phone is None:
            return Address("email", self.email)
        if self.phone is not None and self.email is None:
            return Address("phone", self.phone)
        raise Malformed(faults=[Fault("/email", "or a phone number is required, and not both")])


class VerifyPost(CodePost):
    """The code that came, and the address that it was sent to."""

    code: Code


class ResetPost(Asked):
    """Whose password was forgotten and, once the code has come, the code and the new password."""

    email: Email
    code: Code | None = None
    password: Password | None = None


def code_endpoints(codes: CodeSignIn, limits: RateLimits) -> Endpoints:
    """What codes are good for."""
    endpoints = Endpoints("Sign-in")

    @endpoints.post(
        "/api/auth/code",
        summary="Ask for a code to sign in with",
        status=202,
        faults=(TooMany, Unavailable),
        own_origin=True,
        example={"email": "ada@example.com"},
    )
    async def ask(request: Request, body: CodePost) -> None:
        """Sends six digits, good for ten minutes, in place of those sent before. Answers the same, after the same work,
        whether or not anybody has an account with the address. Customers sign in, and sign up, by it; the accounts of
        staff, operators and admins do by their password.
        """
        address = body.address()
        await limits.send_code(address_of(request), address.key)
        await codes.send_code("sign_in", address)

    @endpoints.post(
        "/api/auth/verify",
        summary="Sign in with a code",
        answer=Session,
        faults=(Unauthenticated, TooMany, Unavailable),
        own_origin=True,
        example={"email": "ada@example.com", "code": "042137"},
    )
    async def verify(request: Request, body: VerifyPost) -> Answer:
        """A code can be used once and tried five times. The first time, an account is opened for the address, named after
        it until it is changed (`PATCH /api/me`).
        """
        address = body.address()
        await limits.check_code(address_of(request), address.key)
        return session_answer(request, await codes.sign_in(address, body.code))

    @endpoints.post(
        "/api/auth/reset",
        summary="Set a new password by a code",
        answer=Session,
        also={202: None},
        faults=(Unauthenticated, TooMany, Unavailable),
        own_origin=True,
        example={"email": "ada@example.com", "code": "042137", "password": "correct horse battery"},
    )
    async def reset(request: Request, body: ResetPost) -> Answer:
        """With the address alone a code is sent to it, and the answer is 202 whether or not anybody has it. With the code
        and a new password all sessions of the account end, and a new one begins.
        """
        address = Address("email", body.email)
        if body.code is None and body.password is None:
            await limits.send_code(address_of(request), address.key)
            await codes.send_code("reset", address)
            return Answer(status=202)
        if body.code is None or body.password is None:
            missing = "/code" if body.code is None else "/password"
            raise Malformed(faults=[Fault(missing, "is required with the other")])
        await limits.check_code(address_of(request), address.key)
        return session_answer(request, await codes.reset(address, body.code, body.password))

    return endpoints
